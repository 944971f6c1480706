"""What the upstream charges us: its prices, dated, and its bills."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('generations', '0009_prove_and_forget'),
    ]

    operations = [
        migrations.CreateModel(
            name='UpstreamPrice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.CharField(max_length=100)),
                ('resolution', models.CharField(max_length=10)),
                ('micros_per_second', models.BigIntegerField()),
                ('since', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('micros_per_second__gte', 0)), name='upstream_price_not_negative'), models.UniqueConstraint(fields=('model', 'resolution', 'since'), name='upstream_price_once')],
            },
        ),
        migrations.CreateModel(
            name='UpstreamBill',
            fields=[
                ('id', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('sort', models.CharField(choices=[('deduct', 'charge'), ('refund', 'refund')], max_length=10)),
                ('micros', models.BigIntegerField()),
                ('upstream_id', models.CharField(db_index=True, max_length=64)),
                ('billed_at', models.DateTimeField(db_index=True)),
                ('generation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='upstream_bills', to='generations.generation')),
            ],
            options={
                'permissions': [('see_reports', "Can see the operator's reports")],
                'constraints': [models.CheckConstraint(condition=models.Q(('micros__gte', 0)), name='upstream_bill_not_negative'), models.CheckConstraint(condition=models.Q(('sort__in', ['deduct', 'refund'])), name='upstream_bill_sort_known')],
            },
        ),
    ]
