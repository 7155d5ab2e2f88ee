"""When each area of an artist was imported, tries to learn what was played, accuracy of predictions."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0003_filters'),
    ]

    operations = [
        migrations.AddField(
            model_name='artist',
            name='image_synced_at',
            field=models.DateTimeField(blank=True, help_text='When an image was last looked for.', null=True),
        ),
        migrations.AddField(
            model_name='artist',
            name='profile_synced_at',
            field=models.DateTimeField(blank=True, help_text='Identifiers, numbers, genres.', null=True),
        ),
        migrations.AddField(
            model_name='artist',
            name='setlists_synced_at',
            field=models.DateTimeField(blank=True, help_text='What was played.', null=True),
        ),
        migrations.AddField(
            model_name='artist',
            name='shows_synced_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='artist',
            name='songs_synced_at',
            field=models.DateTimeField(blank=True, help_text='The whole discography.', null=True),
        ),
        migrations.AddField(
            model_name='setlist',
            name='accuracy',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Of a predicted one, once it is known what was played: 0 to 100 percent.', null=True),
        ),
        migrations.AddField(
            model_name='setlist',
            name='url',
            field=models.URLField(blank=True, help_text='Its page at setlist.fm, which whoever shows it must link to.', max_length=500, null=True),
        ),
        migrations.AddField(
            model_name='setlistsong',
            name='encore',
            field=models.PositiveSmallIntegerField(blank=True, help_text='In which encore it was played.', null=True),
        ),
        migrations.AddField(
            model_name='show',
            name='setlist_next_try_at',
            field=models.DateTimeField(blank=True, help_text='Not asked again before.', null=True),
        ),
        migrations.AddField(
            model_name='show',
            name='setlist_tries',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='How often setlist.fm was asked in vain what was played.'),
        ),
        migrations.AddField(
            model_name='song',
            name='duration_seconds',
            field=models.PositiveIntegerField(blank=True, help_text='Tells apart two songs of one title.', null=True),
        ),
        migrations.AddIndex(
            model_name='show',
            index=models.Index(condition=models.Q(('status__in', ['upcoming', 'ongoing'])), fields=['start'], name='show_unfinished'),
        ),
        migrations.AddConstraint(
            model_name='setlist',
            constraint=models.CheckConstraint(condition=models.Q(('accuracy__isnull', True), models.Q(('accuracy__range', (0, 100)), ('kind', 'predicted')), _connector='OR'), name='setlist_accuracy_0_to_100_of_a_prediction'),
        ),
    ]
