"""Every write, query and projection of the DynamoDB adapters, each at least once."""

from dataclasses import dataclass, replace
from typing import Any

from tests.support.audit_values import make_entry
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_record, make_reservation
from tests.support.opened_tenants import PutTenants, open_lanes
from weir.adapters.answers_bucket import AnswersBucket
from weir.adapters.dynamodb.adjustments import DynamoDBAdjustments
from weir.adapters.dynamodb.answers import DynamoDBAnswers
from weir.adapters.dynamodb.audit_log import DynamoDBAuditLog
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.credits import DynamoDBCredits
from weir.adapters.dynamodb.folds import DynamoDBFolds
from weir.adapters.dynamodb.key_register import DynamoDBKeyRegister
from weir.adapters.dynamodb.leases import DynamoDBLeases
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.limits import DynamoDBLimits
from weir.adapters.dynamodb.reconciliations import DynamoDBBaselines
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.dynamodb.sign_in_settings import DynamoDBSignInSettings
from weir.adapters.dynamodb.sign_ins import DynamoDBAuthCodes, DynamoDBSignIns
from weir.adapters.dynamodb.tenant_register import DynamoDBTenantRegister
from weir.adapters.dynamodb.transfers import DynamoDBTransfers
from weir.adapters.dynamodb.usage_queries import UsageQueries
from weir.adapters.dynamodb.wire import DynamoDB
from weir.domain.accounts import AccountStatus, key_account, tenant_account
from weir.domain.answers import KeptAnswer, Standing, claim_of
from weir.domain.api_keys import ApiKey, KeyKind
from weir.domain.auth_codes import AuthCode, KeyTerms
from weir.domain.closes import Close
from weir.domain.holds import Level
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.price_plans import PricePlan
from weir.domain.reconciliation import Baseline
from weir.domain.rollups import Sums, bucket_of, cells_of
from weir.domain.sign_in_settings import SignInSettings
from weir.domain.sign_ins import Link
from weir.domain.tenant_changes import LaneChange
from weir.domain.tenants import Tenant, TenantId
from weir.domain.usage import RecordSource, RecordStatus, UsageRecord

TABLES = {
    "accounts": ("pk",),
    "usage": ("pk", "sk"),
    "control": ("pk", "sk"),
    "rollups": ("pk", "sk"),
    "ephemeral": ("pk",),
}
DAY_MS = 86_400_000
LIMITS = AccountLimits(spend_nano_usd=NanoUsd(10**9))
TENANT = Tenant(tenant_id=ACME, namespace_key=bytes(32), lanes=2)
ACCOUNT = tenant_account(ACME)
KEY_ACCOUNT = key_account(ACME, "0123abcd")


@dataclass(frozen=True)
class Tour:
    """Walks through the adapters over one transport."""

    db: DynamoDB

    def walk(self) -> None:
        """Do everything once, in an order in which every condition is met."""
        self._control()
        self._tenant()
        self._credits()
        self._requests()
        self._limits()
        self._adjustment()
        self._fold()
        self._rollups()
        self._baseline()
        self._answers()
        self._lease()
        self._sign_in()

    @property
    def ledger(self) -> DynamoDBLedger:
        return DynamoDBLedger(self.db, accounts_table="accounts", usage_table="usage")

    def _control(self) -> None:
        tenants = PutTenants(self.db, control_table="control")
        assert tenants.put(TENANT)
        assert [tenant.tenant_id for tenant in tenants.tenants()] == [ACME]
        key = ApiKey(
            key_hash="0123abcd" * 8,
            tenant=TENANT,
            kind=KeyKind.INFERENCE,
            label="tour",
            disabled=False,
            expires_at_ms=None,
            created_ms=NOON_MS,
        )
        keys = DynamoDBKeys(self.db, control_table="control")
        assert keys.put_key(key)
        assert list(keys.keys_of(TENANT)) == [key]
        register = DynamoDBKeyRegister(self.db, control_table="control")
        first = replace(key, updated_ms=1)
        assert register.change(key, changed=first, entry=make_entry())
        second, third = replace(first, updated_ms=2), replace(key, key_hash="4567abcd" * 8)
        assert register.succeed(first, changed=second, successor=third, entry=make_entry())
        assert register.delete(ACME, key_hash=third.key_hash, entry=make_entry())

    def _tenant(self) -> None:
        register = DynamoDBTenantRegister(
            self.db, control_table="control", accounts_table="accounts"
        )
        tenant = Tenant(tenant_id=TenantId("tour"), namespace_key=bytes(32))
        entry = make_entry(tenant_id=tenant.tenant_id)
        assert register.create(tenant, limits=LIMITS, entry=entry)
        (account,) = register.lanes([tenant])[tenant.tenant_id]
        lane = LaneChange(account=account, status=AccountStatus.SUSPENDED, limits=LIMITS)
        rated = replace(tenant.touched(NOON_MS), plan=PricePlan(version=1, multiplier_ppm=2))
        assert register.change(tenant, changed=rated, lanes=[lane], entry=make_entry())
        assert register.change(rated, changed=rated.touched(NOON_MS), lanes=(), entry=make_entry())
        assert register.page(after=ACME, count=2) == [rated.touched(NOON_MS)]
        log = DynamoDBAuditLog(self.db, control_table="control")
        assert log.page(tenant.tenant_id, before=None, count=2) == [entry]

    def _credits(self) -> None:
        credits_ = DynamoDBCredits(self.db, accounts_table="accounts", control_table="control")
        assert open_lanes(
            self.db,
            table="accounts",
            tenant_id=ACME,
            credit_nano_usd=10**6,
            limits=LIMITS,
            lanes=2,
        )
        assert credits_.grant(TENANT, amount_nano_usd=99, reference="p", entry=make_entry())
        assert [grant.reference for grant in credits_.grants(ACME)] == ["p"]
        assert credits_.set_status(ACCOUNT, status=AccountStatus.ACTIVE)
        transfers = DynamoDBTransfers(
            self.db, accounts_table="accounts", ephemeral_table="ephemeral", now_ms=lambda: NOON_MS
        )
        assert transfers.transfer(ACME, transfer_id="t", source=1, target=0, amount=NanoUsd(5))

    def _requests(self) -> None:
        ledger, levels = self.ledger, frozenset({Level.KEY})
        ledger.open_account(KEY_ACCOUNT, limits=replace(LIMITS, period=LimitPeriod.DAILY))
        wanted = make_reservation(make_hold(levels=levels))
        hold = ledger.reserve(ACCOUNT, reservation=wanted).holds[wanted.hold.generation_id]
        below = ledger.reserve(KEY_ACCOUNT, reservation=wanted).holds[hold.generation_id]
        assert below.period is LimitPeriod.DAILY
        ledger.checkpoint(ACME, hold=hold, upstream_generation_id="gen-up")
        assert ledger.held(ACCOUNT, hold.generation_id) is not None
        record = make_record(hold, levels=levels)
        assert ledger.record(record) == ledger.record(record)
        price = record.price_nano_usd
        assert ledger.settle(KEY_ACCOUNT, hold=below, price_nano_usd=price, now_ms=NOON_MS)
        # Minutes later the counters of its minute are removed with it.
        late = NOON_MS + 300_000
        assert ledger.settle(ACCOUNT, hold=hold, price_nano_usd=price, now_ms=late)
        refused = make_reservation()
        hold = ledger.reserve(ACCOUNT, reservation=refused).holds[refused.hold.generation_id]
        assert ledger.release(ACCOUNT, hold=hold, reservation=refused)

    def _limits(self) -> None:
        limits = DynamoDBLimits(self.db, accounts_table="accounts")
        # The same period goes on counting; another one starts; one that has not begun is opened.
        for period, now_ms in (
            (LimitPeriod.MONTHLY, NOON_MS),
            (LimitPeriod.WEEKLY, NOON_MS),
            (LimitPeriod.WEEKLY, NOON_MS + 30 * DAY_MS),
        ):
            changed = replace(LIMITS, period=period)
            assert limits.set_limits(ACCOUNT, limits=changed, now_ms=now_ms)

    def _adjustment(self) -> None:
        unknown = self._settled_as(RecordStatus.UNKNOWN)
        adjustment = replace(
            unknown,
            generation_id=make_hold().generation_id,
            status=RecordStatus.ADJUSTMENT,
            source=RecordSource.RECONCILIATION,
            adjusts=unknown.generation_id,
            price_nano_usd=NanoUsd(7),
        )
        adjustments = DynamoDBAdjustments(self.db, accounts_table="accounts", usage_table="usage")
        assert adjustments.adjust(adjustment)
        assert not adjustments.adjust(adjustment)

    def _settled_as(self, status: RecordStatus) -> UsageRecord:
        ledger, wanted = self.ledger, make_reservation()
        hold = ledger.reserve(ACCOUNT, reservation=wanted).holds[wanted.hold.generation_id]
        record = ledger.record(make_record(hold, cost=0, status=status))
        assert ledger.settle(ACCOUNT, hold=hold, price_nano_usd=NanoUsd(0), now_ms=NOON_MS)
        return record

    def _fold(self) -> None:
        (account, *_) = self.ledger.lanes(TENANT)
        folds = DynamoDBFolds(self.db, accounts_table="accounts")
        assert folds.fold(account, day="261118", now_ms=NOON_MS + 40 * DAY_MS)

    def _rollups(self) -> None:
        (record, *_) = self.ledger.records()
        usage = UsageQueries(self.db, table="usage")
        rollups = DynamoDBRollups(self.db, table="rollups")
        assert record in usage.bucket(bucket_of(record))
        assert record in usage.day(ACME, day="2026-11-18", lane=0)
        (cell, *_) = cells_of(record)
        assert rollups.put_bucket(bucket_of(record), cell=cell, sums=Sums(rows=1))
        assert rollups.put_close(Close(tenant_id=ACME, day="2026-11-18", total=Sums(rows=1)))
        found = rollups.buckets(ACME, family=cell.family, first="2026-11-18", last="2026-11-18")
        assert [figure.cell for figure in found] == [cell]

    def _baseline(self) -> None:
        baselines = DynamoDBBaselines(self.db, rollups_table="rollups")
        first = Baseline(
            started_day="2026-11-18",
            first_day="2026-11-18",
            ours_nano_usd=0,
            upstream_nano_usd=NanoUsd(0),
        )
        assert baselines.store(first, previous=None)
        assert baselines.store(replace(first, ours_nano_usd=1), previous=first)

    def _answers(self) -> None:
        answers = DynamoDBAnswers(
            self.db, table="ephemeral", bucket=AnswersBucket(_unused, name="-")
        )
        answer = KeptAnswer(status=200, headers={}, stream=False, body=b"{}")
        for key in ("kept", "released"):
            claim = claim_of(TENANT, key=key, digest=b"", owner=key, now_ms=NOON_MS, life_ms=DAY_MS)
            assert answers.claim(claim) is Standing.CLAIMED
            if key == "kept":
                assert answers.keep(claim, answer=answer, now_ms=NOON_MS)
                assert answers.claim(replace(claim, owner="another")) == answer
            else:
                assert answers.release(claim)

    def _lease(self) -> None:
        leases = DynamoDBLeases(self.db, ephemeral_table="ephemeral")
        assert leases.take("tour", now_ms=NOON_MS, for_ms=DAY_MS)

    def _sign_in(self) -> None:
        sign_ins = DynamoDBSignIns(self.db, ephemeral_table="ephemeral")
        link = Link(tenant_id=ACME, user="tour", query="", until_ms=NOON_MS)
        sign_ins.put_link("tour", link)
        assert sign_ins.take_link("tour") == link
        settings = DynamoDBSignInSettings(self.db, control_table="control")
        usual = SignInSettings()
        assert settings.replace(ACME, old=usual, new=usual, entry=make_entry())
        codes = DynamoDBAuthCodes(self.db, ephemeral_table="ephemeral")
        code = AuthCode(
            code_hash="tour",
            tenant_id=ACME,
            user=None,
            giver="tour",
            challenge="",
            callback_url=None,
            terms=KeyTerms(label="tour"),
            created_ms=NOON_MS,
        )
        codes.put(code)
        assert codes.use(code.code_hash)


def _unused() -> Any:
    raise AssertionError("small answers need no bucket")
