"""What the REST API tells of models and prices, from the catalogue alone."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Scope
from billing import money
from config.errors import ApiError
from generations import catalog, pricing
from generations.api import envelope, number
from generations.asked import Asked, Words

CURRENCY = "USD"
# In percent of the price that is paid: there are no discounts.
NO_DISCOUNT = 100


class ModelsView(APIView):
    """`GET /api/v3/models`: what is on sale."""

    scope = Scope.READ

    def get(self, request: Request) -> Response:
        """Answer each model with its price, how that is reckoned, and the schema of its inputs."""
        del request
        return envelope(all_listed())


def all_listed() -> list[dict[str, Any]]:
    """Return every model as WaveSpeed's clients list it."""
    return [_listed(at, model) for at, model in enumerate(catalog.MODELS.values(), 1)]


class PriceInput(Asked):
    """A model, and the inputs of a job that may not be complete yet."""

    model_id = Words(max_length=100)
    inputs = serializers.DictField(default=dict)


class PriceView(APIView):
    """`POST /api/v3/model/price`: what a job would cost."""

    scope = Scope.READ

    def post(self, request: Request) -> Response:
        """Answer the exact price; what is left out counts with its default."""
        model, price_micros = _quote(request)
        price = number(price_micros)
        return envelope(
            {
                "model_id": model.id,
                "price": price,
                "discounted_price": price,
                "discount_rate": NO_DISCOUNT,
                "currency": CURRENCY,
            }
        )


class LegacyPriceView(APIView):
    """`POST /api/v3/model/pricing`: the same as WaveSpeed's command line still asks for it."""

    scope = Scope.READ

    def post(self, request: Request) -> Response:
        """Answer the exact price under its old name."""
        model, price_micros = _quote(request)
        price = number(price_micros)
        return envelope({"model_id": model.id, "unit_price": price, "currency": CURRENCY})


def _quote(request: Request) -> tuple[catalog.Model, int]:
    asked = PriceInput.of(request)
    try:
        model = catalog.model(asked["model_id"])
        return model, pricing.quote(model, model.clean_priced(asked["inputs"]))
    except catalog.UnknownModel as error:
        raise ApiError(status.HTTP_404_NOT_FOUND, str(error)) from error
    except catalog.InvalidInput as error:
        raise ApiError(status.HTTP_400_BAD_REQUEST, str(error)) from error


def _listed(position: int, model: catalog.Model) -> dict[str, Any]:
    """Return a model as WaveSpeed's clients list it; the first position comes first."""
    run = {
        "type": "model_run",
        "method": "POST",
        "server": settings.PUBLIC_URL,
        "api_path": reverse("api_submit", kwargs={"model": model.id}),
        "request_schema": model.schema,
    }
    return {
        "model_id": model.id,
        "name": model.id,
        "base_price": number(pricing.quote(model, model.clean_priced({}))),
        "description": model.description,
        "type": model.kind,
        "formula": _formula(model),
        "sort_order": position,
        "api_schema": {"api_schemas": [run]},
    }


def _formula(model: catalog.Model) -> str:
    """Return how the price follows from the inputs, as a JSONata expression."""
    prices = model.micros_per_second.items()
    table = ", ".join(f'"{name}": {money.decimal(micros)}' for name, micros in prices)
    return f'{{"total_price": $lookup({{{table}}}, resolution) * duration}}'
