"""The catalogue: prices lose no digit, and pages make up the list."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tests.support.catalogue_values import FakeLeases, FakeShared, FakeSource, contents, make_model
from tests.support.fakes import FakeClock
from weir.adapters.catalogue_copies import CatalogueMemory
from weir.domain.catalogue_prices import priced
from weir.domain.model_queries import ModelQuery, Order
from weir.domain.price_plans import AT_COST, MAX_MULTIPLIER_PPM, UNIT_PPM, PricePlan
from weir.services.catalogue import Catalogue
from weir.services.catalogue_copies import CatalogueCopies

PRICES = st.decimals(min_value=0, max_value=100, places=18, allow_nan=False, allow_infinity=False)


@given(price=PRICES, rate=st.integers(min_value=0, max_value=MAX_MULTIPLIER_PPM))
def test_a_price_is_the_cost_times_the_multiplier_to_the_last_digit(
    price: object, rate: int
) -> None:
    plan = PricePlan(version=1, multiplier_ppm=rate)

    shown = priced(make_model(pricing={"prompt": f"{price:f}"}), model="maker/model", plan=plan)

    written = shown["pricing"]["prompt"]
    assert Fraction(written) * UNIT_PPM == Fraction(str(price)) * rate
    assert "E" not in written


@given(
    created=st.lists(st.integers(min_value=0, max_value=3) | st.none(), min_size=1, max_size=12),
    limit=st.integers(min_value=1, max_value=13),
    order=st.none() | st.sampled_from(list(Order)),
)
def test_the_pages_of_a_list_make_up_the_list(
    created: list[int | None], limit: int, order: Order | None
) -> None:
    clock = FakeClock()
    models = [make_model(f"a/{place}", created=when) for place, when in enumerate(created)]
    copies = CatalogueCopies(
        memory=CatalogueMemory(clock=clock),
        shared=FakeShared(),
        source=FakeSource(contents=contents(models), clock=clock),
        leases=FakeLeases(),
        clock=clock,
    )
    catalogue = Catalogue(copies=copies, clock=clock)

    whole = catalogue.models(ModelQuery(order=order), plan=AT_COST)
    pages = [
        catalogue.models(ModelQuery(order=order, offset=offset, limit=limit), plan=AT_COST)
        for offset in range(0, len(models), limit)
    ]

    assert [model for page in pages for model in page.entries] == whole.entries
    assert {page.total for page in pages} == {whole.total} == {len(models)}
