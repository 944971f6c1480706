from django.urls import path

from billing import statement_pages, topup_pages, trial_pages, views, wish_pages

urlpatterns = [
    path("billing", views.billing, name="billing"),
    path("billing/statement.csv", statement_pages.as_csv, name="statement_csv"),
    path("billing/statement.pdf", statement_pages.as_pdf, name="statement_pdf"),
    path("billing/code", wish_pages.code, name="billing_code"),
    path("billing/test-credit", trial_pages.refill, name="test_credit"),
    path("billing/alerts", wish_pages.alert_add, name="alert_add"),
    path("billing/alerts/<int:pk>/remove", wish_pages.alert_remove, name="alert_remove"),
    path("billing/return", views.returned, name="billing_return"),
    path("billing/top-up", topup_pages.write, name="top_up"),
    path("billing/top-up/off", topup_pages.turn_off, name="top_up_off"),
    path("billing/top-up/resume", topup_pages.resume, name="top_up_resume"),
    path("billing/top-up/confirm/<str:token>", topup_pages.confirm, name="top_up_confirm"),
    path("billing/portal", topup_pages.portal, name="portal"),
    path("billing/receipts/<uuid:purchase>", topup_pages.receipt, name="receipt"),
    path("hooks/stripe", views.stripe_hook, name="stripe_hook"),
]
