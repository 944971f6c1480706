"""Operators give, take and forgive credit and stop spending; a large sum takes two of them."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0009_operator_acts'),
        ('billing', '0012_transfers_lately'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Freeze',
            fields=[
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='freeze', serialize=False, to='accounts.account')),
                ('reason', models.CharField(max_length=300)),
                ('since', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
        ),
        migrations.AlterField(
            model_name='transfer',
            name='kind',
            field=models.CharField(choices=[('purchase', 'purchase'), ('promotion', 'promotion'), ('capture', 'video'), ('bonus', 'bonus'), ('bonus_back', 'bonus taken back'), ('refund', 'refund'), ('refund_failed', 'refund that failed'), ('dispute', 'dispute'), ('dispute_won', 'dispute won'), ('receivable', 'owed after a refund or dispute'), ('receivable_paid', 'owed sum paid'), ('expiry', 'promotion expired'), ('shortfall', 'video shorter than asked'), ('correction', 'correction'), ('test_credit', 'test credit')], max_length=20),
        ),
        migrations.CreateModel(
            name='CreditOrder',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('sort', models.CharField(choices=[('grant', 'give credit'), ('take', 'take credit'), ('forgive', 'forgive what is owed')], max_length=10)),
                ('amount_micros', models.BigIntegerField()),
                ('reason', models.CharField(max_length=300)),
                ('state', models.CharField(choices=[('open', 'waits for a second person'), ('done', 'done'), ('refused', 'refused')], default='open', max_length=10)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('decided_at', models.DateTimeField(null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='credit_orders', to='accounts.account')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'permissions': [('confirm_creditorder', "Can confirm another operator's credit order")],
                'indexes': [models.Index(condition=models.Q(('state', 'open')), fields=['created_at'], name='credit_order_open'), models.Index(fields=['account', '-created_at'], name='credit_order_newest')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_micros__gt', 0)), name='credit_order_positive'), models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='credit_order_has_reason'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='credit_order_decided_or_not'), models.CheckConstraint(condition=models.Q(('decided_by', None), models.Q(('decided_by', models.F('by')), _negated=True), ('state', 'refused'), _connector='OR'), name='credit_order_second_person')],
            },
        ),
    ]
