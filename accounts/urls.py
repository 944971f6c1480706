from django.urls import path

from accounts import language, stand_in, team_pages, views, webhook_pages

urlpatterns = [
    path("profile", views.profile, name="profile"),
    path("mode", views.switch_mode, name="mode"),
    path("language", language.choose, name="language"),
    path("stand-in/end", stand_in.end, name="stand_in_end"),
    path("switch", team_pages.account_switch, name="account_switch"),
    path("team", team_pages.team_page, name="team"),
    path("team/name", team_pages.team_rename, name="team_rename"),
    path("team/invite", team_pages.team_invite, name="team_invite"),
    path("team/leave", team_pages.team_leave, name="team_leave"),
    path("team/<int:pk>/role", team_pages.member_role, name="member_role"),
    path("team/<int:pk>/remove", team_pages.member_remove, name="member_remove"),
    path("team/<int:pk>/hand-over", team_pages.member_hand_over, name="member_hand_over"),
    path(
        "team/invitations/<int:pk>/resend", team_pages.invitation_resend, name="invitation_resend"
    ),
    path(
        "team/invitations/<int:pk>/revoke", team_pages.invitation_revoke, name="invitation_revoke"
    ),
    path("invitation/<str:token>", team_pages.invitation, name="invitation"),
    path("webhooks", webhook_pages.webhook_list, name="webhooks"),
    path("webhooks/add", webhook_pages.webhook_add, name="webhook_add"),
    path("webhooks/secret", webhook_pages.secret_reveal, name="webhook_secret"),
    path("webhooks/secret/change", webhook_pages.secret_rotate, name="webhook_secret_change"),
    path("webhooks/<int:pk>", webhook_pages.webhook, name="webhook"),
    path("webhooks/<int:pk>/events", webhook_pages.webhook_events, name="webhook_events"),
    path("webhooks/<int:pk>/switch", webhook_pages.webhook_switch, name="webhook_switch"),
    path("webhooks/<int:pk>/remove", webhook_pages.webhook_remove, name="webhook_remove"),
    path("webhooks/<int:pk>/test", webhook_pages.webhook_test, name="webhook_test"),
    path("webhooks/<int:pk>/secret", webhook_pages.webhook_reveal, name="webhook_reveal"),
    path("webhooks/<int:pk>/secret/change", webhook_pages.webhook_rotate, name="webhook_rotate"),
    path(
        "webhooks/deliveries/<int:pk>/replay",
        webhook_pages.delivery_replay,
        name="delivery_replay",
    ),
]
