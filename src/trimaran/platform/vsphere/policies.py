"""Storage policies by their names: vCenter's second service, over the session of the first."""

import re
from typing import Any

from pyVmomi import SoapStubAdapter, pbm

from trimaran.platform.vsphere.client import IDLE_S, REQUEST_S, Client
from trimaran.platform.vsphere.inventory import missing


def policy_id(client: Client, name: str) -> str:
    """The id of the storage policy. Raises TRM0745 with near names when there is none."""
    profiles = _profiles(client)
    if name not in profiles:
        raise missing(client.target, "storage policy", name, profiles)
    return profiles[name]


def _profiles(client: Client) -> dict[str, str]:
    session = client.stub
    cookie = re.search(r'vmware_soap_session="?([^";]+)', session.cookie)
    host, _, port = session.host.rpartition(":")
    stub: Any = SoapStubAdapter(
        host=host,
        port=int(port),
        path="/pbm",
        version="pbm.version.version2",
        sslContext=client.context(),
        httpConnectionTimeout=REQUEST_S,
        connectionPoolTimeout=IDLE_S,
        requestContext={"vcSessionCookie": cookie[1]} if cookie else None,
    )
    try:
        manager = pbm.ServiceInstance("ServiceInstance", stub).PbmRetrieveServiceContent().profileManager
        ids = manager.PbmQueryProfile(resourceType=pbm.profile.ResourceType(resourceType="STORAGE"))
        found = manager.PbmRetrieveContent(profileIds=ids) if ids else []
        return {str(each.name): str(each.profileId.uniqueId) for each in found}
    finally:
        stub.DropConnections()
