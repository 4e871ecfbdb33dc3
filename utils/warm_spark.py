"""A session in a JVM that many processes use, one after another (batch/warm_driver.py).

pyspark is imported inside the functions, as in utils/spark_utils.py.
"""

import gc
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# In the environment of a process whose JVM is the warm driver's.
MARK = "ACTSTOCK_WARM_SPARK"
# One core, in the JVM itself: the cluster's worker stays free for what is submitted.
MASTER = "local[1]"
# Whoever connects to one of Spark's ports has to know a secret.
AUTHENTICATE = "spark.authenticate"


def is_warm() -> bool:
    """Tell whether this process works in the warm driver's JVM."""
    return MARK in os.environ


def shared_session(name: str, conf: dict[str, str]) -> "SparkSession":
    """Return a new session of the JVM's Spark, which starts with the first one and stays when a session stops.

    conf: what the first one starts Spark with
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    class SharedContext(SparkContext):
        """The JVM's one context."""

        def _initialize_context(self, jconf: Any) -> Any:
            jvm: Any = self._jvm
            return jvm.JavaSparkContext.fromSparkContext(jvm.org.apache.spark.SparkContext.getOrCreate(jconf))

        def stop(self) -> None:
            """Leave Spark running, for the next job."""

    class SharedSession(SparkSession):
        def stop(self) -> None:
            """Leave Spark running, for the next job."""

    # Its ports are open to this machine. Spark makes up a secret of its own where all is in one JVM.
    names = {"spark.master": MASTER, "spark.app.name": name, AUTHENTICATE: "true"}
    settings = SparkConf(loadDefaults=False).setAll(list((conf | names).items()))
    # A session of its own keeps a job's settings and views from the next job, and all share what Spark has loaded.
    session = SharedSession(SharedContext(conf=settings)).newSession()
    SparkSession._instantiatedSession = SparkSession._activeSession = session
    jvm: Any = session._jvm
    jvm.org.apache.spark.sql.classic.SparkSession.setActiveSession(session._jsparkSession)
    return session


def let_go() -> None:
    """Have the JVM forget all that this process has made in it, just before the process ends.

    By itself py4j tells it too late: 4 MB a job would stay (findings/py4j_forgets_in_its_own_time.sh).
    """
    from py4j.java_gateway import JavaObject
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway
    if gateway is None:  # it was refused before it needed Spark
        return
    for each in gc.get_objects():
        # Its own class: a proxy of another module answers for what it stands for, which may be gone.
        if issubclass(type(each), JavaObject):
            each._detach()
    waiting = gateway._gateway_client.finalizer_deque
    with suppress(IndexError):  # py4j's own thread takes from it as well
        while True:
            client, name = waiting.pop()
            client.garbage_collect_object(name, enqueue=False)
