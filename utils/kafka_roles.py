"""Who may do what in Kafka: a user for each kind of work, with the rights that its work takes and no other.

`python -m collector.topics` makes them at each start. The broker's own user may do everything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from config.config import KafkaSettings, Topic
from utils.errors import BrokerUnavailable
from utils.kafka_login import require_login
from utils.kafka_utils import PLAIN, SCRAM, admin_client

FROM_ANYWHERE = "*"
# The broker hears of a new user through ZooKeeper.
KNOWN_SECONDS = 30.0

Right = tuple[ResourceType, str, ACLOperation]  # with the name of a topic or a group


@dataclass(frozen=True)
class Role:
    """A user of Kafka. Its password is the setting's value."""

    name: str
    password_setting: str
    rights: Sequence[Right]


def _collecting() -> Iterator[Right]:
    """Yield what a producer does, and whoever waits until its messages are stored."""
    for topic in Topic:
        yield ResourceType.TOPIC, topic, ACLOperation.WRITE
        yield ResourceType.GROUP, topic.consumer_group, ACLOperation.DESCRIBE


def _storing(topic: Topic) -> Role:
    """Return the user of a topic's consumers."""
    group = topic.consumer_group
    setting = f"KAFKA_{group.upper().replace('-', '_')}_PASSWORD"
    reading = ((ResourceType.TOPIC, topic.value), (ResourceType.GROUP, group))
    return Role(f"consumer-{group}", setting, [(*each, ACLOperation.READ) for each in reading])


COLLECT = Role("collect", "KAFKA_COLLECT_PASSWORD", list(_collecting()))
ROLES = (COLLECT, *map(_storing, Topic))


def apply_roles(settings: KafkaSettings, passwords: Mapping[str, str], roles: Sequence[Role] = ROLES) -> list[str]:
    """Create or correct the users that have a password, with their rights, and return their names.

    settings: those of the broker's own user. Only it can log in before there are users, as the broker does. It gets a
    login like theirs, too.
    """
    wanted = [role for role in roles if passwords.get(role.password_setting)]
    logins = [(role.name, passwords[role.password_setting]) for role in wanted] + [(settings.user, settings.password)]
    users = [UserScramCredentialUpsertion(name, ScramMechanism.SCRAM_SHA_512, password) for name, password in logins]
    with admin_client(settings, PLAIN) as admin:
        refusals = {user: why for user, why in admin.alter_user_scram_credentials(users).items() if why}
        if refusals:
            raise BrokerUnavailable(f"Kafka's users cannot be made: {refusals}")
        failed = admin.create_acls([acl for role in wanted for acl in _acls(role, settings.prefix)])["failed"]
        if failed:
            raise BrokerUnavailable(f"the rights of Kafka's users cannot be set: {failed[0].__name__}")
    # They become known in the order in which they were made, and its owner is the last.
    require_login(settings, SCRAM, KNOWN_SECONDS)
    return [role.name for role in wanted]


def _acls(role: Role, prefix: str) -> Iterator[ACL]:
    for kind, name, operation in role.rights:
        pattern = ResourcePattern(kind, prefix + name)
        yield ACL(f"User:{role.name}", FROM_ANYWHERE, operation, ACLPermissionType.ALLOW, pattern)
