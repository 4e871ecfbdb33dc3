#!/usr/bin/env bash
# Writes the configuration from ZOO_* as the public image does, then becomes the server (as the user zookeeper).
set -euo pipefail

if [ "$(id -u)" = 0 ]; then
    chown -R zookeeper /data /datalog /logs /conf
    exec gosu zookeeper "${BASH_SOURCE[0]}" "$@"
fi
cat >"$ZOO_CONF_DIR/zoo.cfg" <<CONFIG
dataDir=/data
dataLogDir=/datalog
clientPort=2181
tickTime=${ZOO_TICK_TIME:-2000}
initLimit=${ZOO_INIT_LIMIT:-5}
syncLimit=${ZOO_SYNC_LIMIT:-2}
autopurge.snapRetainCount=${ZOO_AUTOPURGE_SNAPRETAINCOUNT:-3}
autopurge.purgeInterval=${ZOO_AUTOPURGE_PURGEINTERVAL:-0}
maxClientCnxns=${ZOO_MAX_CLIENT_CNXNS:-60}
admin.enableServer=${ZOO_ADMINSERVER_ENABLED:-true}
${ZOO_4LW_COMMANDS_WHITELIST:+4lw.commands.whitelist=$ZOO_4LW_COMMANDS_WHITELIST}
CONFIG
# shellcheck disable=SC2086 # JVMFLAGS holds several options
exec java ${JVMFLAGS:--Xmx1000m} -Dlog4j.configuration=file:/opt/zookeeper/log4j.properties \
    -cp "/opt/zookeeper/lib/*" org.apache.zookeeper.server.quorum.QuorumPeerMain "${3:-$ZOO_CONF_DIR/zoo.cfg}"
