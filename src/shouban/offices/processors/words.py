"""The words of the register of processors."""

from __future__ import annotations

from typing import Final

from shouban.core.events import Basis
from shouban.offices.processors.model import Kind, Stage
from shouban.web.language import Text

KINDS: Final[dict[Kind, Text]] = {
    "model": Text("回答的模型", "the model that answers"), "judge": Text("复核的模型", "the model that judges"), "storage": Text("存储", "storage"),
    "messages": Text("通知渠道", "channels to contacts"), "other": Text("其他", "other"),
}  # fmt: skip
BASES: Final[dict[Basis, Text]] = {
    "contract": Text("委托处理（合同）", "entrusted processing (contract)"), "consent": Text("单独同意", "separate consent"), "law": Text("法律规定", "law"),
}  # fmt: skip
STAGES: Final[dict[Stage, Text]] = {"approved": Text("已批准", "approved"), "withdrawn": Text("已停止", "withdrawn")}
WORDS: Final[dict[str, Text]] = {
    "title": Text("接收数据的第三方 · 守伴", "Processors · Shouban"),
    "heading": Text("接收数据的第三方", "Who receives data"),
    "about": Text(
        "没有登记并批准的，不接收任何内容（配置 egress = approved 时）。依据同意的，每个人逐一核对同意台账；未成年人还须监护人单独同意。",
        "Where `egress = approved`, who is not registered and approved receives nothing. On the basis of consent each person's ledger is checked; a minor's guardian "
        "must have agreed as well.",
    ),
    "open_mode": Text("当前配置：配置文件里的模型视为已批准。", "As configured now, the model of the configuration counts as approved."),
    "none": Text("还没有登记。", "Nobody is registered yet."),
    "purpose": Text("用途", "For"),
    "place": Text("所在地", "Where"),
    "document": Text("合同或文件", "Contract or document"),
    "basis": Text("依据", "Basis"),
    "kind": Text("类型", "Kind"),
    "id": Text("编号（回答的模型填 model）", "Id (`model` for the model that answers)"),
    "name": Text("名称", "Name"),
    "add": Text("登记并批准", "Register and approve"),
    "withdraw": Text("停止", "Withdraw"),
}  # fmt: skip
