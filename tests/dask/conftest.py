import time

import pytest
from distributed import Client, LocalCluster
from distributed.core import Status


@pytest.fixture(scope="package")
def cluster():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    """Return a client as soon as both workers are running.

    A worker that is killed while it starts would not be replaced.
    """
    with Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        while any(nanny.process.status != Status.running for nanny in cluster.workers.values()):
            time.sleep(0.05)
        yield client
