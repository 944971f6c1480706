from django.urls import path, register_converter
from django.urls.converters import StringConverter

from generations import (
    api,
    api_catalog,
    api_history,
    api_money,
    key_api,
    key_pages,
    views,
    webhook_api,
)


class FilmPart(StringConverter):
    """The files of a job that have an address."""

    regex = r"video\.mp4|poster\.jpg|strip\.jpg|preview\.mp4|picture"


register_converter(FilmPart, "film_part")

urlpatterns = [
    path("", views.landing, name="landing"),
    path("create", views.create, name="create"),
    path("gallery", views.gallery, name="gallery"),
    path("docs", views.docs, name="docs"),
    path("films/<uuid:pk>", views.film, name="film"),
    path("films/<uuid:pk>/cancel", views.cancel, name="cancel"),
    path("films/<uuid:pk>/<film_part:part>", views.film_file, name="film_file"),
    path("uploads/<str:token>/<str:filename>", api.upload_file, name="upload_file"),
    path("hooks/wavespeed/<uuid:pk>", views.wavespeed_hook, name="wavespeed_hook"),
    # Here, because the pages show what was made with each key.
    path("account/keys", key_pages.key_list, name="keys"),
    path("account/keys/<int:pk>", key_pages.key_detail, name="key"),
    path("account/keys/<int:pk>/secret", key_pages.key_secret, name="key_secret"),
    path("account/keys/<int:pk>/secret/end", key_pages.key_secret_end, name="key_secret_end"),
    path("account/keys/<int:pk>/revoke", key_pages.key_revoke, name="key_revoke"),
    path("api/v3/key", key_api.KeyView.as_view(), name="api_key"),
    path("api/v3/balance", api.BalanceView.as_view(), name="api_balance"),
    path(
        "api/v3/webhook/secret",
        webhook_api.WebhookSecretView.as_view(),
        name="api_webhook_secret",
    ),
    path("api/v3/media/uploads", api.UploadTicketView.as_view(), name="api_uploads"),
    path("api/v3/media/uploads/<str:token>", api.UploadPutView.as_view(), name="api_upload_put"),
    path("api/v3/media/upload/binary", api.UploadBinaryView.as_view(), name="api_upload_binary"),
    path("api/v3/models", api_catalog.ModelsView.as_view(), name="api_models"),
    path("api/v3/model/price", api_catalog.PriceView.as_view(), name="api_price"),
    path("api/v3/model/pricing", api_catalog.LegacyPriceView.as_view(), name="api_pricing"),
    path("api/v3/billings/search", api_money.BillingsView.as_view(), name="api_billings"),
    path("api/v3/user/usage_stats", api_money.UsageView.as_view(), name="api_usage"),
    path("api/v3/predictions", api_history.HistoryView.as_view(), name="api_history"),
    path("api/v3/predictions/delete", api_history.DeleteView.as_view(), name="api_delete"),
    path(
        "api/v3/predictions/<str:prediction_id>/cancel",
        api_history.CancelView.as_view(),
        name="api_cancel",
    ),
    path(
        "api/v3/predictions/<str:prediction_id>/result", api.ResultView.as_view(), name="api_result"
    ),
    path(
        "api/v3/predictions/<str:prediction_id>", api.ResultView.as_view(), name="api_result_alias"
    ),
    path("api/v3/<path:model>", api.SubmitView.as_view(), name="api_submit"),
]
