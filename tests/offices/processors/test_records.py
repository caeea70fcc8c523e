from __future__ import annotations

from shouban.db.engine import connect, migrate
from shouban.offices.processors.model import Processor
from shouban.offices.processors.records import approved, keeping, registered

CLOUD = Processor("model", "某云", "model", "contract", "回答用户", document="合同")


def test_what_is_withdrawn_is_on_record_and_not_approved(database_url: str) -> None:
    engine = connect(database_url)
    migrate(engine)
    for stage, expected in (("approved", {("s", "model"): CLOUD}), ("withdrawn", {})):
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            statement, row = keeping(engine, "s", CLOUD, stage, 1, "w")  # type: ignore[arg-type]  # a stage
            connection.execute(statement, [row])
            assert approved(connection) == expected
        assert registered(engine, "s") == [(CLOUD, stage)]
    assert registered(engine, "t") == []
    engine.dispose()
