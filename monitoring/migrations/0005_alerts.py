"""Alerts and their outbox, what a run wrote, and two indexes for what is asked each minute."""

from datetime import timedelta
from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models


SQL = Path(__file__).resolve().parents[1] / "sql"
FIRST = (SQL / "0001_log_cron_run.sql").read_text()
SUM_UP_RUNS_BEFORE = FIRST[FIRST.index("create function sum_up_runs") :].replace("create ", "create or replace ", 1)

RETENTION = [
    ("alert_messages", "created_at", "true", 90),
    ("alerts", "resolved_at", "true", 365),
]


def add_retention(apps, editor):
    for table, column, condition, days in RETENTION:
        apps.get_model("monitoring", "Retention").objects.create(
            table_name=table, time_column=column, condition=condition, keep=timedelta(days=days)
        )


def drop_retention(apps, editor):
    apps.get_model("monitoring", "Retention").objects.filter(table_name__in=["alerts", "alert_messages"]).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('monitoring', '0004_archive'),
    ]

    operations = [
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rule', models.CharField(max_length=50)),
                ('subject', models.CharField(help_text='Which job, process, source or part.', max_length=150)),
                ('severity', models.CharField(choices=[('warning', 'Warning'), ('critical', 'Critical')], max_length=8)),
                ('state', models.CharField(choices=[('open', 'Open'), ('acknowledged', 'Acknowledged'), ('resolved', 'Resolved')], default='open', max_length=12)),
                ('says', models.TextField()),
                ('opened_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('seen_count', models.PositiveIntegerField(default=1)),
                ('announced_at', models.DateTimeField(blank=True, help_text='When people were told first.', null=True)),
                ('reminders', models.PositiveSmallIntegerField(default=0)),
                ('is_flapping', models.BooleanField(default=False, help_text='Came and went too often to tell each time.')),
                ('silenced_until', models.DateTimeField(blank=True, null=True)),
                ('acknowledged_at', models.DateTimeField(blank=True, null=True)),
                ('acknowledged_by', models.CharField(blank=True, default='', max_length=150)),
                ('resolved_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'db_table': 'alerts',
            },
        ),
        migrations.CreateModel(
            name='AlertMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('opened', 'Opened'), ('reminder', 'Reminder'), ('flapping', 'Flapping'), ('resolved', 'Resolved')], max_length=8)),
                ('channel', models.CharField(max_length=10)),
                ('text', models.TextField()),
                ('created_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(help_text='Not before; a claim moves it.')),
                ('tries', models.PositiveIntegerField(default=0)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('last_error', models.TextField(blank=True, default='')),
            ],
            options={
                'verbose_name': 'message',
                'db_table': 'alert_messages',
            },
        ),
        migrations.AddField(
            model_name='cronmetric',
            name='rows',
            field=models.BigIntegerField(help_text='Empty: no run said how many.', null=True, verbose_name='rows written'),
        ),
        migrations.AddIndex(
            model_name='cronlog',
            index=models.Index(condition=models.Q(('status', 'success')), fields=['job_name', 'finished_at'], name='run_by_last_success'),
        ),
        migrations.AddField(
            model_name='alert',
            name='cause',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='effects', to='monitoring.alert'),
        ),
        migrations.AddField(
            model_name='alertmessage',
            name='alert',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='monitoring.alert'),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['-opened_at'], name='alert_by_time'),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['rule', 'subject', '-opened_at'], name='alert_by_subject'),
        ),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('resolved_at__isnull', False), ('state', 'resolved')), models.Q(('resolved_at__isnull', True), ('state__in', ['open', 'acknowledged'])), _connector='OR'), name='alert_is_live_or_resolved'),
        ),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['open', 'acknowledged'])), fields=('rule', 'subject'), name='one_live_alert_per_rule_and_subject'),
        ),
        migrations.AddIndex(
            model_name='alertmessage',
            index=models.Index(condition=models.Q(('sent_at__isnull', True)), fields=['due_at'], name='message_to_send'),
        ),
        migrations.RunSQL(
            (SQL / "0004_rows_written.sql").read_text(),
            SUM_UP_RUNS_BEFORE + "\ndrop function rows_written(jsonb);",
        ),
        migrations.RunSQL(
            "alter table alerts add constraint alert_cause foreign key (cause_id) references alerts on delete set null;"
            " alter table alert_messages add constraint message_alert"
            " foreign key (alert_id) references alerts on delete cascade;",
            "alter table alert_messages drop constraint message_alert; alter table alerts drop constraint alert_cause;",
        ),
        migrations.RunPython(add_retention, drop_retention),
    ]
