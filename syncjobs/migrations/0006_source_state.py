"""May a source be called? One row for each, and the functions that answer."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parents[1] / "sql"
ROWS = "insert into source_state (name) values ('ticketmaster'), ('spotify'), ('setlistfm')"


class Migration(migrations.Migration):

    dependencies = [
        ('syncjobs', '0005_schedules'),
    ]

    operations = [
        migrations.CreateModel(
            name='SourceState',
            fields=[
                ('name', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('next_at', models.DateTimeField(help_text='The next call may go out.', null=True)),
                ('quota_used', models.PositiveIntegerField(db_default=0)),
                ('quota_resets_at', models.DateTimeField(null=True)),
                ('spent', models.JSONField(db_default=models.Value({}, models.JSONField()), help_text='Calls of this day by share.')),
                ('blocked_until', models.DateTimeField(help_text="The source said so: Retry-After or the day's quota.", null=True)),
                ('blocked_reason', models.CharField(db_default='', max_length=10)),
                ('breaker', models.CharField(choices=[('closed', 'Closed'), ('open', 'Open'), ('half_open', 'half open')], db_default='closed', max_length=9)),
                ('window_began_at', models.DateTimeField(null=True)),
                ('window_count', models.PositiveIntegerField(db_default=0)),
                ('window_failures', models.PositiveIntegerField(db_default=0)),
                ('retry_at', models.DateTimeField(help_text='An open breaker lets nothing pass before.', null=True)),
                ('openings', models.PositiveIntegerField(db_default=0, help_text='In a row; each is twice as long as the last.')),
                ('probe_number', models.BigIntegerField(db_default=0)),
                ('probe_until', models.DateTimeField(help_text='A probe that has not ended by then is lost.', null=True)),
                ('good_probes', models.PositiveIntegerField(db_default=0)),
                ('forced', models.CharField(blank=True, choices=[('open', 'open: call nothing'), ('closed', 'closed: call whatever happens')], db_default='', default='', max_length=6, verbose_name='force breaker')),
                ('forced_until', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('forced_reason', models.CharField(blank=True, db_default='', default='', max_length=200, verbose_name='reason')),
                ('answered_count', models.BigIntegerField(db_default=0)),
                ('busy_count', models.BigIntegerField(db_default=0)),
                ('unavailable_count', models.BigIntegerField(db_default=0)),
                ('refused_count', models.BigIntegerField(db_default=0)),
                ('last_answered_at', models.DateTimeField(null=True)),
                ('recent_errors', models.JSONField(db_default=models.Value([], models.JSONField()))),
            ],
            options={
                'verbose_name': 'source',
                'db_table': 'source_state',
                'constraints': [models.CheckConstraint(condition=models.Q(('breaker__in', ['closed', 'open', 'half_open'])), name='source_breaker_is_known'), models.CheckConstraint(condition=models.Q(('forced', ''), models.Q(('forced__in', ['open', 'closed']), ('forced_until__isnull', False), models.Q(('forced_reason', ''), _negated=True)), _connector='OR'), name='source_forced_with_reason_and_end')],
            },
        ),
        migrations.RunSQL(ROWS, migrations.RunSQL.noop),
        migrations.RunSQL(
            (SQL / "0002_source_state.sql").read_text(), (SQL / "0002_source_state_reverse.sql").read_text()
        ),
    ]
