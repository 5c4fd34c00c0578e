"""What is stored of persons: never a name, never a number, the same mark everywhere."""

import numpy as np
import pytest

from intake import builders as b
from puhui.example.people import credit_codes, person_ids
from puhui.intake.hashing import is_citizen_id, is_organisation_id

PERSON = person_ids("411526", np.array([1445]))[0].as_py()
FIRM = "91350100M000100Y43"  # the worked example of GB 32100
COMPANY = b.EAST["s203"][2]


def everything(read):
    """All that leaves intake, as it is stored."""
    tables = [*read.tables.values(), *read.quarantine.values(), read.findings]
    return str([t.to_pylist() for t in tables])


@pytest.mark.parametrize("kind", ["其他-个人经营户", "其他-不知何物", "单一法人客户", "社会团体"])
@pytest.mark.parametrize("number", [PERSON, "411526900304005"])
def test_a_citizen_among_the_firms_is_stored_as_a_person(tmp_path, kind, number):
    man = COMPANY | {"KHTYBH": "C0002", "KHLX": kind, "ZJHM": number, "KHMC": "王某某"}
    man |= {"LXDH": "13900000001", "ZCDZ": "潢川县乙村"}
    loan = b.EAST["s504"][2] | {"KHTYBH": "C0002", "XDJJH": "L0003"}
    line = {"客户统一编号": "C0002", "客户类型": "", "授信额度": "1", "授信口径": "法人全行"}
    extra = b.EAST["extra"][2] | {"信贷借据号": "L0003"}
    rows = {
        "s203": [COMPANY, man],
        "s504": [b.EAST["s504"][2], loan],
        "lines": [b.EAST["lines"][2], b.PERSON_LINE, line],
        "extra": [b.EAST["extra"][2], b.PERSON_EXTRA, extra],
    }
    read = b.read(b.east(tmp_path, rows=rows))
    stored = everything(read)
    assert read.findings.num_rows == 0 and read.tables["customers"].num_rows == 3
    secrets = ("王某某", number, "13900000001", "潢川县乙村", "C0002")
    assert [s for s in secrets if s in stored] == []
    assert b.HASHER.hash("certificate", number) in stored
    assert stored.count(b.HASHER.hash("customer", "C0002")) == 2  # the customer and the loan
    assert "甲纸业有限公司" in stored and FIRM in stored


def test_an_unknown_kind_without_a_number_is_a_person_too(tmp_path):
    man = COMPANY | {"KHLX": "其他-个人经营户", "ZJHM": "", "KHMC": "王某某"}
    read = b.read(b.east(tmp_path, rows={"s203": [man]}, without=["lines"]))
    assert "other_personal" in read.tables["customers"]["kind"].to_pylist()
    assert "王某某" not in everything(read) and "C0001" not in everything(read)


def test_the_supplement_may_tell_an_unknown_kind(tmp_path):
    firm = COMPANY | {"KHLX": "其他-合作组织"}
    line = b.EAST["lines"][2] | {"客户类型": "农民专业合作社"}
    read = b.read(b.east(tmp_path, rows={"s203": [firm], "lines": [line, b.PERSON_LINE]}))
    kept = [r for r in read.tables["customers"].to_pylist() if r["kind"] == "farm_cooperative"]
    assert [(r["name"], r["customer_id"]) for r in kept] == [("甲纸业有限公司", "C0001")]


def test_borrower_controller_and_guarantor_are_one_person(tmp_path):
    """One man, as himself, behind a firm, and as its guarantor: the same mark in each place."""
    short = PERSON[:6] + PERSON[8:17]  # his number as it was before 1999
    man = b.CUSTOMER | {"客户号": "P1", "客户类型": "小微企业主", "证件号码": PERSON}
    firm = b.CUSTOMER | {"法定代表人证件号": PERSON.lower(), "实际控制人证件号": short}
    loan = b.LOAN | {"保证人证件号": f" {PERSON} "}
    b.workbook(tmp_path / "填报.xlsx", customers=[man, firm], loans=[loan])
    read = b.read(tmp_path)
    mine, company = read.tables["customers"].to_pylist()
    (loan_row,) = read.tables["loans"].to_pylist()
    marks = {
        mine["certificate_no"],
        company["legal_representative_id"],
        company["controller_id"],
        loan_row["guarantor_id"],
    }
    assert marks == {b.HASHER.hash("certificate", PERSON)}


def test_firms_stay_in_clear_as_guarantor_and_controller(tmp_path):
    """A firm that guarantees is matched by its code; anything else in the column is hashed."""
    customer = b.CUSTOMER | {"实际控制人证件号": "91350100-m000100y43"}
    loans = [
        b.LOAN | {"保证人证件号": FIRM},
        b.LOAN | {"借据号": "L0002", "保证人证件号": "91350100M000100Y44"},
        b.LOAN | {"借据号": "L0003", "保证人证件号": "护照E12345678"},
    ]
    b.workbook(tmp_path / "填报.xlsx", customers=[customer], loans=loans)
    read = b.read(tmp_path)
    assert read.tables["customers"]["controller_id"].to_pylist() == [FIRM]
    assert read.tables["loans"]["guarantor_id"].to_pylist() == [
        FIRM,
        b.HASHER.hash("certificate", "91350100M000100Y44"),
        b.HASHER.hash("certificate", "护照E12345678"),
    ]


def test_an_individual_business_is_a_person_by_its_code_too(tmp_path):
    code = credit_codes("411526", np.frombuffer(b"92", np.uint8), np.array([7]))[0].as_py()
    b.workbook(tmp_path / "填报.xlsx", loans=[b.LOAN | {"保证人证件号": code}])
    read = b.read(tmp_path)
    mark = b.HASHER.hash("certificate", code)
    assert read.tables["loans"]["guarantor_id"].to_pylist() == [mark]
    assert code not in everything(read)


@pytest.mark.parametrize(
    ("number", "citizen", "organisation"),
    [
        (PERSON, True, False),
        ("11010519491231002x", True, False),
        ("110105491231002", True, False),
        ("110105194912310021", True, False),  # a wrong check character hides nobody
        (FIRM, False, True),
        # Digits only, with the check digit of GB 32100 and no day of birth: a firm's.
        ("914115261700000081", False, True),
        ("914115261700000082", True, False),
        ("91350100M000100Y44", False, False),
        ("C0001", False, False),
    ],
)
def test_whose_number_it_is(number, citizen, organisation):
    assert (is_citizen_id(number), is_organisation_id(number)) == (citizen, organisation)


def test_free_text_is_not_taken(tmp_path):
    b.workbook(tmp_path / "填报.xlsx", loans=[b.LOAN | {"贷款用途": "给王某某进货"}])
    read = b.read(tmp_path)
    assert "purpose" in read.absent["loans"]
    assert "王某某" not in everything(read)


@pytest.mark.parametrize("layout", [lay for lay in b.LAYOUTS if "loans" in lay.tables])
def test_every_layout_says_why_it_takes_no_purpose(layout):
    assert all("自由文字" in part.absent["purpose"] for part in layout.tables["loans"])
