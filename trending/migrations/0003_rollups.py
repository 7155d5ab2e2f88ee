"""Rollups of votes per hour and fan, which make a refresh cost what happened since the last one."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parents[1] / "sql"

# Scores that are there already go on from rollups made of the votes.
REBUILD = "select trending_rebuild(as_of) from trend_state"


class Migration(migrations.Migration):

    dependencies = [
        ('trending', '0002_functions'),
    ]

    operations = [
        migrations.CreateModel(
            name='ArtistFan',
            fields=[
                ('pk', models.CompositePrimaryKey('artist_id', 'fan_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('artist_id', models.BigIntegerField()),
                ('fan_id', models.BigIntegerField()),
                ('hour', models.DateTimeField()),
            ],
            options={
                'db_table': 'artist_fans',
            },
        ),
        migrations.CreateModel(
            name='ArtistHour',
            fields=[
                ('pk', models.CompositePrimaryKey('artist_id', 'hour', blank=True, editable=False, primary_key=True, serialize=False)),
                ('artist_id', models.BigIntegerField()),
                ('hour', models.DateTimeField()),
                ('votes', models.IntegerField(help_text='Live votes cast in this hour.')),
                ('counted', models.IntegerField(help_text='Those that count.')),
                ('fans', models.IntegerField(help_text='Fans whose latest live vote lies in this hour.')),
            ],
            options={
                'db_table': 'artist_hours',
            },
        ),
        migrations.CreateModel(
            name='ShowFan',
            fields=[
                ('pk', models.CompositePrimaryKey('show_id', 'fan_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('show_id', models.BigIntegerField()),
                ('fan_id', models.BigIntegerField()),
                ('hour', models.DateTimeField()),
            ],
            options={
                'db_table': 'show_fans',
            },
        ),
        migrations.CreateModel(
            name='ShowHour',
            fields=[
                ('pk', models.CompositePrimaryKey('show_id', 'hour', blank=True, editable=False, primary_key=True, serialize=False)),
                ('show_id', models.BigIntegerField()),
                ('hour', models.DateTimeField()),
                ('votes', models.IntegerField(help_text='Live votes cast in this hour.')),
                ('counted', models.IntegerField(help_text='Those that count.')),
                ('fans', models.IntegerField(help_text='Fans whose latest live vote lies in this hour.')),
            ],
            options={
                'db_table': 'show_hours',
            },
        ),
        migrations.RunSQL((SQL / "0004_rollups.sql").read_text(), (SQL / "0004_rollups_reverse.sql").read_text()),
        migrations.RunSQL(REBUILD, migrations.RunSQL.noop),
    ]
