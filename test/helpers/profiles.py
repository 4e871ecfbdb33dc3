"""A wide session in the JVM of the other tests: its settings are those of a wide job, its cores are not."""

from typing import Any

from utils.spark_utils import PROFILE, WIDE, Profile, session_conf

# What both sizes of a job have to publish alike, beside its rows; the job's name is put in.
OF_JOB = """
    SELECT 'publication' AS kind, ROW(as_of_date, period_days, status, reason, degraded_reason, row_count, cash_weight,
        holdings_as_of, source)::text AS said
    FROM analytics_publication WHERE job = '{job}'
    UNION ALL
    SELECT 'revision', ROW(about -> 'as_of_date', about -> 'input_digest', about -> 'output_digest', about -> 'tables',
        about -> 'revision')::text
    FROM evidence_link WHERE chain = 'publications' AND about ->> 'job' = '{job}'
"""


def wide_session(spark: Any, profile: Profile = WIDE) -> Any:
    made = spark.newSession()
    for name, value in session_conf(profile).items():
        if name == PROFILE or made.conf.isModifiable(name):
            made.conf.set(name, value)
    return made
