"""The catalog function answers the routes that it is deployed for, and no others."""

from tests.support import template as views
from tests.support.catalogue_values import FakeLeases, FakeShared, FakeSource
from tests.support.fakes import FakeClock
from weir.adapters.catalogue_copies import CatalogueMemory
from weir.http.catalogue import CatalogueEndpoints
from weir.services.catalogue import Catalogue
from weir.services.catalogue_copies import CatalogueCopies


def test_every_deployed_route_of_the_catalogue_has_an_endpoint_that_declares_its_keys() -> None:
    (api,) = views.of_type(views.deployed(), "AWS::ApiGateway::RestApi").values()
    deployed = {
        f"{method.upper()} {path}"
        for path, methods in api["Body"]["paths"].items()
        for method, operation in methods.items()
        if "CatalogFunction" in str(operation.get("x-amazon-apigateway-integration"))
    }
    clock = FakeClock()
    copies = CatalogueCopies(
        memory=CatalogueMemory(clock=clock),
        shared=FakeShared(),
        source=FakeSource(),
        leases=FakeLeases(),
        clock=clock,
    )

    table = CatalogueEndpoints(catalogue=Catalogue(copies=copies, clock=clock)).table()

    assert len(deployed) == 7
    assert table.keys() == deployed
