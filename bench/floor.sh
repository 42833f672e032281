#!/bin/bash
# The floor: what a shell script does that knows these three hosts by heart. One OpenSSH connection a host, one remote script a phase, no plan, no look at
# what it does not need, no lock, no cause when something fails. It promises the same end: host keys checked, replicas one by one, the load balancer asked at the end.
#   floor.sh KEY KNOWN_HOSTS [NAME=ADDRESS...]      more hosts, which only have to be in the swarm; the database password in BENCH_DATABASE_PASSWORD
set -euo pipefail
key=$1 known=$2
shift 2
sockets=$(mktemp -d)
declare -A at=([node-01]=10.77.0.11 [node-02]=10.77.0.12 [node-03]=10.77.0.13)
workers=()
for more in "$@"; do at[${more%%=*}]=${more#*=}; workers+=("${more%%=*}"); done
trap 'for host in "${!at[@]}"; do ssh -o ControlPath="$sockets/%h" -O exit "root@${at[$host]}" 2>/dev/null || true; done; rm -r "$sockets"' EXIT
on() { # HOST: runs the script on standard input there
  ssh -i "$key" -o UserKnownHostsFile="$known" -o StrictHostKeyChecking=yes -o BatchMode=yes -o ControlMaster=auto -o ControlPersist=60 -o ControlPath="$sockets/%h" "root@${at[$1]}" "IMAGE=secretflow/kuscia:1.1.0b0 NET=kuscia-exchange-cluster sh -s"
}
lb=http://10.77.0.11:8080/
seen() { # both replicas answer through the load balancer
  for _ in 1 2 3 4 5 6; do curl -s -m 5 "$lb" || true; echo; done | grep -o '"instance":"[^"]*"' | sort -u | wc -l
}

# Phase 0: is there anything to do?
look='s=$(docker info -f "{{.Swarm.LocalNodeState}}"); r=$(docker ps --format "{{.Names}} {{.State}}" | sort | tr "\n" ,); c=$(sha256sum kuscia-swarm/alice/kuscia.yaml 2>/dev/null | cut -c1-64); echo "$s $r $c"'
for host in "${!at[@]}"; do on "$host" <<<"$look" >"$sockets/$host.state" & done
wait
for host in "${workers[@]}"; do grep -q '^active ' "$sockets/$host.state" || { echo "$host is not in the swarm" >&2; exit 1; }; done
if grep -q 'active.*alice-mysql running.*alice-nginx-lb running' "$sockets/node-01.state" && grep -q 'root-kuscia-autonomy-alice running' "$sockets/node-02.state" && grep -q 'root-kuscia-autonomy-alice running' "$sockets/node-03.state"; then
  [ "$(cut -d' ' -f5- "$sockets/node-02.state")" = "$(cut -d' ' -f5- "$sockets/node-03.state")" ] && [ "$(seen)" = 2 ] && { echo 'nothing to do'; exit; }
fi

# Phase 1: swarm, network and database on the first host.
token=$(on node-01 <<E1
docker swarm init --advertise-addr 10.77.0.11 >/dev/null
docker network create --driver overlay --attachable --subnet 10.200.0.0/24 \$NET >/dev/null
mkdir -p -m 700 kuscia-swarm/alice; umask 077; cat >kuscia-swarm/alice/database-password <<'P'
$BENCH_DATABASE_PASSWORD
P
printf %s "\$(cat kuscia-swarm/alice/database-password)" >kuscia-swarm/alice/database-password
head -c 30 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >kuscia-swarm/alice/database-root-password
docker run -d --name=alice-mysql --restart=always --publish=10.77.0.11:3306:3306 --volume=alice-mysql:/var/lib/mysql --volume=\$HOME/kuscia-swarm/alice/database-password:/run/secrets/database-password:ro --volume=\$HOME/kuscia-swarm/alice/database-root-password:/run/secrets/database-root-password:ro --env=MYSQL_ROOT_PASSWORD_FILE=/run/secrets/database-root-password --env=MYSQL_ROOT_HOST=localhost --env=MYSQL_DATABASE=kine --env=MYSQL_USER=kuscia --env=MYSQL_PASSWORD_FILE=/run/secrets/database-password mysql:8.0 --max-connections=1000 --skip-name-resolve --optimizer-switch=derived_merge=off >/dev/null
docker swarm join-token -q worker
E1
)

# Phase 2: the others join; a probe on each host; the configuration on the first replica.
probe() { echo "until docker run -d --name=alice-probe --restart=always --network=\$NET --network-alias=alice-probe-$1 --memory=64m nginx:1.26 >/dev/null; do docker rm -f alice-probe >/dev/null; sleep 0.2; done"; }
on node-01 <<<"$(probe node-01)" &
on node-02 >"$sockets/init" <<E2 &
docker swarm join --token $token 10.77.0.11:2377 >/dev/null
docker run --rm \$IMAGE kuscia init --mode autonomy --domain alice --runtime runp --protocol MTLS --datastore-endpoint 'mysql://kuscia:@PASSWORD@@tcp(10.77.0.11:3306)/kine' &
$(probe node-02)
wait
E2
on node-03 <<E3 &
docker swarm join --token $token 10.77.0.11:2377 >/dev/null
$(probe node-03)
E3
wait
config=$(sed "s|@PASSWORD@|$BENCH_DATABASE_PASSWORD|" "$sockets/init")

# Phase 3: the database answers, the hosts reach each other, the same configuration and kuscia.sh on both replicas.
on node-01 <<'E4' &
for p in node-02 node-03; do docker exec alice-probe curl -s -o /dev/null -m 4 --retry 20 --retry-delay 1 --retry-all-errors http://alice-probe-$p/ & done
until docker exec alice-mysql sh -c 'MYSQL_PWD=$(cat /run/secrets/database-password) mysql -h 127.0.0.1 -u kuscia -e "select 1" kine' >/dev/null 2>&1; do sleep 0.2; done
wait
E4
for host in node-02 node-03; do
  on "$host" <<E5 &
umask 077; mkdir -p kuscia-swarm/alice
cat >kuscia-swarm/alice/kuscia.yaml <<'Y'
$config
Y
docker run --rm \$IMAGE cat /home/kuscia/scripts/deploy/kuscia.sh >kuscia-swarm/alice/kuscia.sh; chmod 700 kuscia-swarm/alice/kuscia.sh
docker exec alice-probe bash -c 'until (exec 3<>/dev/tcp/10.77.0.11/3306) 2>/dev/null; do sleep 0.2; done'
E5
done
wait

# Phase 4: the replicas, one by one, each until its own gateway answers.
for host in node-02 node-03; do
  on "$host" <<E6 | grep -q "deployed successfully"
cd kuscia-swarm/alice
USER=root ROOT=\$PWD KUSCIA_IMAGE=\$IMAGE script -qec "bash ./kuscia.sh start -c \$PWD/kuscia.yaml -p 20000 -q 20001 -k 20010 -g 20011 -x 13084 -m 8589934592 -a none --cluster" /dev/null </dev/null
until docker exec alice-probe curl -ks -m 5 https://${at[$host]}:20000/ | grep -q instance; do sleep 0.2; done
E6
done

# Phase 5: the load balancer.
on node-01 <<'E7'
mkdir -p kuscia-swarm/alice/nginx; cat >kuscia-swarm/alice/nginx/nginx.conf <<'N'
events {}
http {
  upstream replicas { zone replicas 64k; server 10.77.0.12:20000; server 10.77.0.13:20000; keepalive 32; }
  server { listen 8080; client_max_body_size 0; location / { proxy_pass https://replicas; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_buffering off; } }
}
N
docker run --rm --volume=$HOME/kuscia-swarm/alice/nginx:/etc/nginx/kuscia-swarm:ro nginx:1.26 nginx -t -q -c /etc/nginx/kuscia-swarm/nginx.conf
docker run -d --name=alice-nginx-lb --restart=always --publish=8080:8080/tcp --volume=$HOME/kuscia-swarm/alice/nginx:/etc/nginx/kuscia-swarm:ro nginx:1.26 nginx -c /etc/nginx/kuscia-swarm/nginx.conf -g 'daemon off;' >/dev/null
E7
until [ "$(seen)" = 2 ]; do sleep 0.2; done
