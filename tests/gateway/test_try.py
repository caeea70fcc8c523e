from tests.gateway.serving import *
def test_a(world, upstream):
    u=fresh()
    world.register(u)
    r=world.chat("我准备好药了，今晚就死", user=u, aware=True)
    print(r.status, r.text, r.kinds)
    print(world.get(f"/v1/users/{u}").text)
    from shouban.db.schema import PERSONS, LEDGER, STATES, LOG_ENTRIES
    with world.engine.connect() as c:
        print(world.person_id(u)); print(c.execute(select(PERSONS.c.person_id, PERSONS.c.service_id)).all()); print(c.execute(select(LEDGER.c.person_id,LEDGER.c.kind)).all())
    for t in ["我准备好药了，今晚就死","我今晚就要跳楼","我想割腕自杀", "我写好遗书了，今晚就去死"]:
        print(t, world.chat(t, aware=True).kinds)
