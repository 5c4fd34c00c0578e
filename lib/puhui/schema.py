"""Canonical tables as Arrow schemas: what intake writes and everything else reads.

Each line of a table below is one column: name, type, marks, Chinese label.
Template, data dictionary and checks are generated from the schemas.

Types: ``id`` text [A-Z0-9]{4,32}; ``text``; ``money`` yuan DECIMAL(18,2);
``rate`` percent a year DECIMAL(9,6); ``bp`` basis points DECIMAL(9,2); ``int``;
``date``; ``bool``; ``code:LIST`` one of :data:`CODES`; ``set:LIST`` several of them.

Marks: ``key`` part of the primary key; ``?`` may be absent (who needs it says no
data); ``now`` or ``drawdown`` the moment the value belongs to; ``hash:DOMAIN`` a
person's id, stored only as HMAC; ``private`` never stored for natural persons. All
certificate numbers share one domain, so that a borrower is found again as a guarantor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pyarrow as pa

CODES: dict[str, dict[str, str]] = {
    "institution_kind": {
        "policy": "政策性银行",
        "large": "大型银行",
        "joint_stock": "股份制银行",
        "city": "城市商业银行",
        "rural_commercial": "农村商业银行",
        "rural_cooperative": "农村合作金融机构",
        "village": "村镇银行",
        "other_bank": "其他银行",
        "property_insurer": "财产保险公司",
        "life_insurer": "人身保险公司",
        "other": "其他机构",
    },
    "level": {"legal_person": "法人机构", "branch": "分支机构"},
    "customer_kind": {
        "enterprise": "企业",
        "individual_business": "个体工商户",
        "mse_owner": "小微企业主",
        "farmer": "农户",
        "farm_cooperative": "农民专业合作社",
        "village_collective": "农村集体经济组织",
        "other_personal": "其他个人",
        "other_organisation": "其他组织",
    },
    "size": {"large": "大型", "medium": "中型", "small": "小型", "micro": "微型"},
    "credit_line_scope": {"legal_person": "法人全行", "reporting_unit": "填报机构"},
    "product": {
        "working_capital": "流动资金贷款",
        "fixed_asset": "固定资产贷款",
        "project": "项目贷款",
        "overdraft": "法人账户透支",
        "business_personal": "个人经营性贷款",
        "mortgage": "住房按揭贷款",
        "consumer": "消费贷款",
        "discount": "票据贴现",
        "rediscount": "买断式转贴现",
        "trade_finance": "贸易融资",
        "finance_lease": "融资租赁",
        "advance": "垫款",
        "onlent": "转贷款",
        "entrusted": "委托贷款",
        "other": "其他",
    },
    "issue_kind": {
        "new": "新增",
        "renewal": "无还本续贷",
        "refinance": "借新还旧",
        "restructured": "重组贷款",
        "extended": "展期",
        "other": "其他",
    },
    "closure": {
        "matured": "到期结清",
        "prepaid_by_borrower": "借款人提前还款",
        "recalled_by_bank": "银行提前收回",
        "written_off": "核销",
        "transferred": "转让",
    },
    "rate_type": {"fixed": "固定利率", "floating": "浮动利率"},
    "funding_source": {
        "own": "自有资金",
        "policy_onlent": "政策性银行转贷资金",
        "pbc_relending": "人民银行再贷款",
    },
    "booked_by": {"county_branch": "县域机构", "head_office": "总行", "online_centre": "线上中心"},
    "guarantee": {
        "credit": "信用",
        "guaranteed": "保证",
        "mortgaged": "抵押",
        "pledged": "质押",
        "mixed": "混合",
    },
    "mitigant": {
        "ip": "知识产权",
        "equity": "企业股权",
        "receivable": "应收账款",
        "land_right": "土地承包经营权",
        "gov_fund": "政府风险补偿基金",
        "procurement_contract": "政府采购合同",
        "credit_insurance": "信用保证保险",
        "policy": "保单",
        "inventory": "存货",
        "warehouse_receipt": "仓单",
        "prepayment": "预付款",
        "home": "住房",
    },
    "five_class": {
        "normal": "正常",
        "special_mention": "关注",
        "substandard": "次级",
        "doubtful": "可疑",
        "loss": "损失",
    },
    "loan_status": {
        "normal": "正常",
        "overdue": "逾期",
        "settled": "结清",
        "written_off": "核销",
        "transferred": "转让",
        "other": "其他",
    },
    "basis": {"as_filed": "当期报送", "restated": "可比口径重述"},
}

#: Natural-person kinds: names, certificates, phones and addresses are never stored.
PERSON_KINDS = ("individual_business", "mse_owner", "farmer", "other_personal")

_TABLES: dict[str, tuple[str, str]] = {
    "institutions": (
        "机构名录",
        """
        institution_id          id                     key   机构编号
        name                    text                   -     机构名称
        kind                    code:institution_kind  -     机构类型
        level                   code:level             -     机构层级
        legal_person_id         id                     ?     法人机构编号
        is_local_legal_person   bool                   -     是否地方法人
        county_code             text                   -     县区代码
        legal_person_npl_ratio  rate                   ?     法人各项贷款不良率
        """,
    ),
    "branches": (
        "网点名录",
        """
        branch_id       text  key  内部机构号
        institution_id  id    -    机构编号
        name            text  -    网点名称
        head_staff_id   text  ?,hash:staff  负责人工号
        """,
    ),
    "plans": (
        "年度计划",
        """
        institution_id  id     key  机构编号
        branch_id       text   key,?  内部机构号
        item            text   key  项目
        target          money  -    目标
        handed_down_by  text   ?    下达单位
        """,
    ),
    "customers": (
        "客户信息",
        """
        institution_id          id                      key  机构编号
        customer_id             text                    key,hash:customer  客户号
        certificate_no          text                    ?,hash:certificate  证件号码
        name                    text                    ?,private  客户名称
        kind                    code:customer_kind      -    客户类型
        size                    code:size               ?    企业规模
        industry                text                    ?    所属行业
        county_code             text                    ?    县区代码
        staff_count             int                     ?    从业人员
        revenue                 money                   ?    营业收入
        assets                  money                   ?    资产总额
        founded_on              date                    ?    成立日期
        last_share_transfer_on  date                    ?    最近股权变更日期
        legal_representative_id text                    ?,hash:certificate  法定代表人证件号
        controller_id           text                    ?,hash:certificate  实际控制人证件号
        phone_hash              text                    ?,hash:phone  联系电话
        address                 text                    ?,hash:address  注册地址
        credit_line             money                   now  授信额度
        credit_line_scope       code:credit_line_scope  -    授信口径
        chain                   text                    ?    产业链
        first_drawdown_on       date                    ?    首次用信日期
        first_loan_query_on     date                    ?    首贷查询日期
        first_loan_query_clear  bool                    ?    首贷查询无记录
        is_lifted_household     bool                    ?    是否脱贫户
        operating_normally      bool                    ?    是否正常经营
        """,
    ),
    "loans": (
        "贷款借据",
        """
        institution_id           id                   key       机构编号
        loan_id                  text                 key       借据号
        branch_id                text                 -         内部机构号
        customer_id              text                 hash:customer  客户号
        contract_id              text                 ?         合同号
        priced_on                date                 ?         定价日期
        product                  code:product         -         业务种类
        is_business_loan         bool                 ?         是否经营性贷款
        issue_kind               code:issue_kind      -         发放类型
        amount                   money                drawdown  发放金额
        balance                  money                now       贷款余额
        drawn_on                 date                 -         发放日期
        matures_on               date                 -         到期日期
        extended_to              date                 ?         展期到期日期
        closed_on                date                 ?         终结日期
        closure                  code:closure         ?         终结方式
        written_off_amount       money                ?         核销金额
        transferred_amount       money                ?         转让金额
        rate_at_drawdown         rate                 drawdown  发放利率
        rate_now                 rate                 ?,now     当前利率
        rate_type                code:rate_type       -         利率类型
        benchmark                text                 ?         定价基准
        spread_bp                bp                   ?         加点
        repriced_on              date                 ?         重定价日期
        funding_source           code:funding_source  ?         资金来源
        booked_by                code:booked_by       ?         经办层级
        guarantee                code:guarantee       -         担保方式
        guarantor_id             text                 ?,hash:certificate  保证人证件号
        mitigants                set:mitigant         ?         风险缓释
        collateral_held_since    date                 ?         押品取得日期
        lien_released_on         date                 ?         抵押解除日期
        lien_registered_on       date                 ?         抵押登记日期
        five_class               code:five_class      now       五级分类
        principal_overdue        money                ?,now     欠本金额
        interest_overdue         money                ?,now     欠息金额
        overdue_since            date                 ?         逾期起始日期
        status                   code:loan_status     now       贷款状态
        credit_line_at_drawdown  money                drawdown  发放时授信额度
        is_revolving             bool                 ?         是否随借随还
        is_online                bool                 ?         是否线上贷款
        is_agricultural          bool                 ?         是否涉农
        purpose                  text                 ?         贷款用途
        industry_of_use          text                 ?         投向行业
        paid_to                  text                 ?,hash:payee  受托支付对象
        predecessor_loan_id      text                 ?         上笔借据号
        staff_id                 text                 ?,hash:staff  信贷员工号
        first_check_due_on       date                 ?         首次检查应完成日期
        first_check_on           date                 ?         首次检查日期
        checks                   int                  ?         贷后检查次数
        """,
    ),
    "returns": (
        "报表数据",
        """
        institution_id  id          key  机构编号
        branch_id       text        key,?  内部机构号
        item            text        key  项目代码
        as_of           date        key  数据日期
        basis           code:basis  key  口径
        value           money       -    数值
        unit            text        -    单位
        """,
    ),
}


@dataclass(frozen=True)
class Column:
    """One column of a canonical table."""

    table: str
    name: str
    kind: str
    codes: str
    label: str
    is_key: bool
    optional: bool
    moment: str
    hash_domain: str
    private: bool

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type the column is stored in."""
        return _ARROW[self.kind]


_ARROW: dict[str, pa.DataType] = {
    "id": pa.string(),
    "text": pa.string(),
    "money": pa.decimal128(18, 2),
    "rate": pa.decimal128(9, 6),
    "bp": pa.decimal128(9, 2),
    "int": pa.int64(),
    "date": pa.date32(),
    "bool": pa.bool_(),
    "code": pa.string(),
    "set": pa.list_(pa.string()),
}


def _parse(table: str, line: str) -> Column:
    name, kind, marks_text, label = line.split(maxsplit=3)
    kind, _, codes = kind.partition(":")
    marks = marks_text.split(",")
    return Column(
        table=table,
        name=name,
        kind=kind,
        codes=codes,
        label=label,
        is_key="key" in marks,
        optional="?" in marks,
        moment=next((m for m in marks if m in ("now", "drawdown")), ""),
        hash_domain=next((m[5:] for m in marks if m.startswith("hash:")), ""),
        private="private" in marks,
    )


@cache
def columns(table: str) -> tuple[Column, ...]:
    """Return the columns of a canonical table in order; ``KeyError`` for an unknown one."""
    return tuple(_parse(table, line) for line in _TABLES[table][1].strip().splitlines())


def column(table: str, name: str) -> Column:
    """Return one column; ``KeyError`` if the table has none of that name."""
    return {c.name: c for c in columns(table)}[name]


def tables() -> tuple[str, ...]:
    """Names of the canonical tables."""
    return tuple(_TABLES)


def label(table: str) -> str:
    """Chinese name of a table."""
    return _TABLES[table][0]


@cache
def arrow_schema(table: str) -> pa.Schema:
    """Arrow schema of a canonical table; every column nullable, labels in field metadata."""
    return pa.schema(
        [pa.field(c.name, c.arrow_type, metadata={"label": c.label}) for c in columns(table)]
    )
