"""What programs call, below /api/. Routes are tried in this order: the most asked comes first."""

from django.urls import path

from generations import (
    api,
    api_catalog,
    api_history,
    api_money,
    key_api,
    schema_api,
    webhook_api,
)

urlpatterns = [
    path("v3/predictions/<str:prediction_id>/result", api.ResultView.as_view(), name="api_result"),
    path("schema", schema_api.SchemaView.as_view(), name="api_schema"),
    path("v3/key", key_api.KeyView.as_view(), name="api_key"),
    path("v3/balance", api.BalanceView.as_view(), name="api_balance"),
    path("v3/webhook/secret", webhook_api.WebhookSecretView.as_view(), name="api_webhook_secret"),
    path("v3/media/uploads", api.UploadTicketView.as_view(), name="api_uploads"),
    path("v3/media/uploads/<str:token>", api.UploadPutView.as_view(), name="api_upload_put"),
    path("v3/media/upload/binary", api.UploadBinaryView.as_view(), name="api_upload_binary"),
    path("v3/models", api_catalog.ModelsView.as_view(), name="api_models"),
    path("v3/model/price", api_catalog.PriceView.as_view(), name="api_price"),
    path("v3/model/pricing", api_catalog.LegacyPriceView.as_view(), name="api_pricing"),
    path("v3/billings/search", api_money.BillingsView.as_view(), name="api_billings"),
    path("v3/user/usage_stats", api_money.UsageView.as_view(), name="api_usage"),
    path("v3/predictions", api_history.HistoryView.as_view(), name="api_history"),
    path("v3/predictions/delete", api_history.DeleteView.as_view(), name="api_delete"),
    path(
        "v3/predictions/<str:prediction_id>/cancel",
        api_history.CancelView.as_view(),
        name="api_cancel",
    ),
    path("v3/predictions/<str:prediction_id>", api.ResultView.as_view(), name="api_result_alias"),
    path("v3/<path:model>", api.SubmitView.as_view(), name="api_submit"),
]
