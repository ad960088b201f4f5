"""The whole stack on this machine: upstream, embedded AWS, the deployed template, the gateway."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from local.aws import EmbeddedAws
from local.deploy import Deployment, deploy
from local.gateway import RunningGateway, running
from local.ministack import MiniStack
from local.pumps import Pumps, open_pumps
from local.routes import read_routes
from local.schedules import Schedules
from local.secret_values import fill_secret
from local.seed import (
    DEMO_CREDIT_USD,
    DEMO_TENANT,
    Books,
    issue_key,
    open_books,
    seed_tenant,
)
from local.simulator import Simulator
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.domain.api_keys import KeyKind

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / "local" / ".state"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """What may differ from one stack to another.

    Attributes:
        port: Of the gateway; 0 takes a free one.
        upstream_key: OpenRouter's key to forward with; None starts the simulator.
        simulator_key: What the simulator takes as its key.
        simulator_management_key: And as the key that only reads its ledger.
        model: Which model the simulator answers with: the small real one, or the echo.
        parameters: Values for the template's parameters.
        variables: Function's logical id → variables that replace the template's once deployed.
        schedules: Whether scheduled functions run by themselves.
        pumps: Whether queues and streams feed their functions by themselves; `pump_once` does it by
            hand.
        dynamodb: What keeps the tables: the embedded AWS itself, which serves one request at a
            time, or MiniStack, which runs writers at once and has to be installed.
        note_aws_calls: Whether `aws.calls` tells what the embedded AWS was asked for.
        say: Receives a progress line for each long step.
    """

    port: int = 0
    upstream_key: str | None = None
    simulator_key: str = field(default_factory=lambda: f"sk-or-v1-{secrets.token_hex(32)}")
    simulator_management_key: str = field(
        default_factory=lambda: f"sk-or-v1-{secrets.token_hex(32)}"
    )
    model: Literal["auto", "echo"] = "auto"
    parameters: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    schedules: bool = True
    pumps: bool = True
    dynamodb: Literal["moto", "ministack"] = "moto"
    note_aws_calls: bool = False
    logs: Path = STATE / "logs"
    say: Callable[[str], None] = print


class LocalStack:
    """A stack that is up between `__enter__` and `__exit__` and leaves nothing behind.

    Attributes:
        simulator: The simulated upstream; None when requests go to OpenRouter.
        aws: The embedded AWS.
        deployment: What the template became.
        tables: The tables' names by logical id.
        database: The DynamoDB that has them.
        books: The deployment's tables, opened.
        gateway: The HTTP front and its worker processes.
        api_key: A key of the demo tenant.
        management_key: A management key of the demo tenant.
        operator_key: The operator's.
    """

    simulator: Simulator | None
    aws: EmbeddedAws
    deployment: Deployment
    tables: Mapping[str, str]
    database: BotoDynamoDB
    books: Books
    gateway: RunningGateway
    api_key: str
    management_key: str
    operator_key: str

    def __init__(self, options: StackOptions | None = None) -> None:
        self._options = options or StackOptions()
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        """Bring everything up; on a failure, take down what is up already."""
        try:
            self._start(self._resources)
        except BaseException:  # an interrupt as well
            self._resources.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take everything down, the front first."""
        self._resources.close()

    @property
    def base_url(self) -> str:
        """Return what a client takes as its base URL."""
        return f"{self.gateway.url}/api/v1"

    def pump_once(self) -> int:
        """Feed functions from queues and streams until nothing moves; return how many batches."""
        return self._pumps.run_dry()

    def _start(self, resources: ExitStack) -> None:
        options, say = self._options, self._options.say
        key = options.upstream_key or options.simulator_key
        parameters = dict(options.parameters)
        self.simulator = None
        if options.upstream_key is None:
            say("starting the OpenRouter simulator")
            simulator = Simulator(
                keys={key},
                management_keys={options.simulator_management_key},
                model=options.model,
                announce=say,
            )
            resources.callback(simulator.stop)  # first: an interrupt may cut the start short
            self.simulator = simulator.start()
            parameters["UpstreamBaseUrl"] = self.simulator.url
        say("starting the embedded AWS")
        self.aws = resources.enter_context(self._embedded_aws(resources))
        say("deploying template.yaml")
        deployed = deploy(ROOT / "template.yaml", aws=self.aws, parameters=parameters)
        self.deployment = deployed.with_variables(options.variables)
        self.tables = deployed.tables
        self.database = BotoDynamoDB(lambda: self.aws.client("dynamodb"))
        self._fill_secrets(key)
        self._seed()
        say("starting the gateway")
        self._serve(resources)

    def _embedded_aws(self, resources: ExitStack) -> EmbeddedAws:
        options = self._options
        url = None
        if options.dynamodb == "ministack":
            url = resources.enter_context(MiniStack()).url
        return EmbeddedAws(note_calls=options.note_aws_calls, dynamodb_url=url)

    def _fill_secrets(self, key: str) -> None:
        fill_secret(self.deployment, aws=self.aws, name="UpstreamSecret", value=key)
        self.operator_key = f"sk-weir-operator-{secrets.token_hex(32)}"
        fill_secret(self.deployment, aws=self.aws, name="OperatorSecret", value=self.operator_key)
        if self.simulator is not None:
            fill_secret(
                self.deployment,
                aws=self.aws,
                name="UpstreamManagementSecret",
                value=self._options.simulator_management_key,
            )

    def _serve(self, resources: ExitStack) -> None:
        options = self._options
        options.logs.mkdir(parents=True, exist_ok=True)
        schedules = Schedules(
            self.deployment.schedules if options.schedules else {},
            invoke=self._invoke,
        )
        sources = self.deployment.event_sources
        pumps = open_pumps(sources, aws=self.aws, invoke=self._invoke)
        # Taken down in reverse: no new run, then the gateway with the run in progress, then the
        # threads that waited for it.
        resources.enter_context(schedules)
        self._pumps = resources.enter_context(Pumps(pumps, threads=options.pumps))
        self.gateway = resources.enter_context(
            running(
                functions=self.deployment.functions,
                routes=read_routes(self.deployment.template),
                port=options.port,
                log_dir=options.logs,
            )
        )
        self._pumps.start()
        resources.callback(schedules.stop)
        resources.callback(self._pumps.stop)

    def _invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        return self.gateway.invoke(function, event)

    def _seed(self) -> None:
        self.books = open_books(self.deployment, aws=self.aws)
        tenant = seed_tenant(self.books, tenant_id=DEMO_TENANT, credit_usd=DEMO_CREDIT_USD)
        self.api_key = issue_key(self.books, tenant, kind=KeyKind.INFERENCE, label="demo")
        self.management_key = issue_key(
            self.books, tenant, kind=KeyKind.MANAGEMENT, label="demo management"
        )
