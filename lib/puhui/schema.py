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
    "deferral_kind": {"principal": "本金", "interest": "利息"},
    "deferral_outcome": {
        "agreed": "同意",
        "refused_condition": "因不符合具名条件拒绝",
        "refused_other": "其他原因拒绝",
        "withdrawn": "撤回",
        "open": "未答复",
    },
    "application_kind": {"new": "新贷", "renewal": "续贷"},
    "decision": {
        "granted": "同意",
        "refused": "拒绝",
        "pending": "审批中",
        "withdrawn": "撤回",
    },
    "channel": {"online": "线上", "offline": "线下"},
    "fee_kind": {
        "management": "账户管理费",
        "commitment": "承诺费",
        "arrangement": "资金管理费",
        "advisory": "财务顾问费",
        "guarantee": "担保费",
        "insurance": "保险费",
        "valuation": "评估费",
        "registration": "登记费",
        "notary": "公证费",
        "agency": "中介服务费",
        "other": "其他费用",
    },
    "charger": {
        "bank": "银行",
        "guarantor": "担保机构",
        "insurer": "保险机构",
        "valuer": "评估机构",
        "registry": "登记机构",
        "agent": "中介机构",
    },
    "bearer": {"bank": "银行", "borrower": "借款人"},
    "payee_kind": {
        "supplier": "供应商",
        "property": "房地产",
        "securities": "证券",
        "wealth_product": "理财产品",
        "deposit": "存款",
        "guarantor": "保证人",
        "related_party": "关联方",
        "borrower": "借款人本人",
        "other": "其他",
    },
    "benefit": {
        "credit_loan_support": "普惠小微信用贷款支持",
        "deferral_incentive": "延期还本付息激励",
        "vat_exemption": "利息收入免征增值税",
        "interest_subsidy": "财政贴息",
        "risk_compensation": "风险补偿金",
        "increment_award": "增量奖励金",
        "loan_revolving_fund": "贷款周转金",
    },
    "insurance_line": {
        "loan_guarantee_insurance": "贷款保证保险",
        "domestic_trade_credit": "国内贸易信用保险",
        "borrower_accident": "借款人意外伤害保险",
        "agricultural": "农业保险",
    },
    "note_kind": {
        "complaint": "投诉",
        "inspection": "检查",
        "penalty": "处罚",
        "visit": "走访",
    },
    "case_finding": {
        "dutiful": "尽职",
        "basically_dutiful": "基本尽职",
        "not_dutiful": "未尽职",
        "none": "尚无结论",
    },
    "extent": {"full": "全部免责", "partial": "部分免责", "none": "不免责"},
    "post": {
        "marketing": "营销",
        "acceptance": "受理",
        "review": "审查审批",
        "approval": "审批",
        "operations": "作业监督",
        "disbursement": "放款操作",
        "post_loan": "贷后管理",
        "branch_head": "机构负责人",
        "department": "小微业务部门",
    },
    "case_role": {
        "head": "机构负责人",
        "department": "业务部门",
        "handling": "经办人员",
        "process_manager": "流程管理人员",
        "committee_member": "贷审会成员",
    },
    "liability": {"direct": "直接责任", "management": "管理责任", "leadership": "领导责任"},
    "breach": {
        "none": "无",
        "law": "违反法律法规",
        "supervisory_rule": "违反监管规范",
        "internal_rule": "违反内部制度",
        "not_determined": "未认定",
    },
    "misconduct": {
        "none": "无",
        "fraud": "欺诈",
        "collusion": "内外勾结",
        "benefit": "谋取私利",
        "concealment": "隐瞒风险",
        "diversion": "挪用贷款",
        "gross_neglect": "重大失职",
        "not_determined": "未认定",
    },
    "file_complete": {"yes": "齐全", "gaps": "有缺漏", "not_kept": "未建档"},
    "departure": {
        "no": "未发现",
        "minor": "轻微",
        "material": "重大",
        "not_determined": "未认定",
    },
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
    "deferrals": (
        "延期还本付息",
        """
        institution_id  id                     key  机构编号
        loan_id         text                   key  借据号
        seq             int                    key  序号
        kind            code:deferral_kind     -    延期类型
        due_on          date                   -    原应还日期
        amount          money                  -    延期金额
        applied_on      date                   -    申请日期
        outcome         code:deferral_outcome  -    办理结果
        reason          text                   ?    拒绝原因
        deferred_to     date                   ?    延期至
        ended_on        date                   ?    延期结束日期
        """,
    ),
    "applications": (
        "贷款申请",
        """
        institution_id  id                     key  机构编号
        application_id  text                   key  申请编号
        branch_id       text                   -    内部机构号
        customer_id     text                   hash:customer  客户号
        kind            code:application_kind  -    申请类型
        loan_id         text                   ?    借据号
        applied_on      date                   -    申请日期
        amount          money                  -    申请金额
        qualifies       bool                   ?    是否符合条件
        decision        code:decision          -    审批结果
        decided_on      date                   ?    审批日期
        reason          text                   ?    原因
        disbursed_on    date                   ?    放款日期
        manual_steps    int                    ?    人工环节数
        """,
    ),
    "products": (
        "信贷产品",
        """
        institution_id  id            key  机构编号
        name            text          key  产品名称
        launched_on     date          -    推出日期
        unsecured       bool          -    是否信用产品
        channel         code:channel  -    渠道
        customers       int           -    贷款户数
        balance         money         -    贷款余额
        mean_rate       rate          ?    平均利率
        """,
    ),
    "fees": (
        "收费明细",
        """
        institution_id  id             key  机构编号
        loan_id         text           key  借据号
        seq             int            key  序号
        kind            code:fee_kind  -    收费项目
        charged_by      code:charger   -    收取方
        borne_by        code:bearer    -    承担方
        amount          money          -    金额
        waived          money          -    减免金额
        recurring       bool           -    是否按年收取
        in_contract     bool           -    是否合同约定
        """,
    ),
    "flows": (
        "资金流向",
        """
        institution_id  id               key  机构编号
        loan_id         text             key  借据号
        seq             int              key  序号
        paid_on         date             -    支付日期
        amount          money            -    支付金额
        payee_kind      code:payee_kind  -    收款方类型
        payee           text             ?,hash:payee  收款方
        """,
    ),
    "key_firms": (
        "重点企业名单",
        """
        uscc            text  key  统一社会信用代码
        name            text  -    企业名称
        institution_id  id    key  对接机构编号
        plan_signed_on  date  ?    方案签订日期
        has_needs       bool  ?    方案含融资需求
        has_products    bool  ?    方案含产品安排
        has_terms       bool  ?    方案含额度期限利率
        has_manager     bool  ?    方案含服务团队
        core_firm_uscc  text  ?    所属核心企业
        """,
    ),
    "attestations": (
        "制度与机制答卷",
        """
        institution_id  id    key  机构编号
        item            text  key  项目
        value           text  -    回答
        document_no     text  ?    文号
        in_force_from   date  ?    生效日期
        evidence        text  ?    佐证材料
        """,
    ),
    "benefits": (
        "政策红利",
        """
        institution_id           id            key  机构编号
        item                     code:benefit  key  政策项目
        received                 money         -    收到金额
        passed_to_business_line  money         -    传导至业务条线
        passed_to_customers      money         -    让利客户
        """,
    ),
    "insurance": (
        "保险业务",
        """
        institution_id        id                   key  机构编号
        line                  code:insurance_line  key  险种
        policies              int                  -    保单件数
        insured_mses          int                  -    承保小微企业户数
        sum_insured           money                -    保险金额
        premium               money                -    保费收入
        claims_paid           money                -    赔款支出
        recoveries            money                -    追偿收入
        partner_bank          id                   key,?  合作银行
        loan_balance_covered  money                ?    承保贷款余额
        fees                  money                ?    手续费
        """,
    ),
    "notes": (
        "监管记录",
        """
        note_id         text            key  记录编号
        institution_id  id              -    机构编号
        kind            code:note_kind  -    类型
        noted_on        date            -    日期
        clause          text            ?    条款
        fact            text            -    事实
        document_no     text            ?    文号
        """,
    ),
    "cases": (
        "不良贷款责任认定",
        """
        institution_id              id                 key  机构编号
        case_id                     text               key  案件编号
        branch_id                   text               -    内部机构号
        loan_ids                    text               -    借据号（多笔以分号隔开）
        customer_id                 text               hash:customer  客户号
        is_mse_credit               bool               -    是否小微信贷
        credit_line_at_origination  money              -    发放时授信额度
        loss_to_date                money              -    已形成损失
        recovered                   money              -    已收回金额
        principal_outstanding       money              -    未还本金
        interest_arrears            money              -    欠息
        recovery_pursued            bool               ?    是否积极追索
        first_overdue_on            date               -    首次逾期日期
        first_npl_on                date               -    首次列为不良日期
        opened_on                   date               -    启动认定日期
        force_majeure               bool               ?    是否不可抗力
        force_majeure_reported_on   date               ?    不可抗力报告日期
        measures_taken              bool               ?    是否采取措施
        investigation_closed_on     date               ?    调查结束日期
        reviewed_on                 date               ?    评议日期
        finding                     code:case_finding  -    认定结论
        finding_on                  date               ?    认定日期
        bank_extent                 code:extent        ?    本行免责范围
        appeal_filed_on             date               ?    申诉日期
        appeal_result               text               ?    申诉结果
        closed_on                   date               ?    结案日期
        """,
    ),
    "case_persons": (
        "责任认定人员",
        """
        institution_id       id                  key  机构编号
        case_id              text                key  案件编号
        person_id            text                key,hash:staff  员工号
        post                 code:post           -    岗位
        role                 code:case_role      key  角色
        liability            code:liability      -    责任类型
        took_over_on         date                ?    接手日期
        class_at_takeover    code:five_class     ?    接手时五级分类
        early_action_on      date                ?    及时处置日期
        loss_reduced         bool                ?    是否减少损失
        dissent_record_no    text                ?    异议记录号
        dissent_upheld       bool                ?    异议是否成立
        dissent_causal       bool                ?    异议与损失是否相关
        objection_record_no  text                ?    反对记录号
        overruled_by         text                ?,hash:staff  被何人否决
        breach               code:breach         -    违规情形
        breach_rule          text                ?    所违反的规定
        breach_in_force      bool                ?    规定当时是否有效
        misconduct           code:misconduct     -    不当行为
        file_complete        code:file_complete  -    档案是否齐全
        departure_found      code:departure      -    是否发现偏离制度
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
