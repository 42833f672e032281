import { seenOn } from '../deployment/seen.ts';

/**
 * What a deployment leaves on a host, in lines that are the same after every undisturbed run: ids, times, addresses and the domain's
 * own key, the machine id that Kuscia notes, what the engine keeps for a docker exec under way (runc-process) and the stacks of a containerd that
 * a busy engine killed (moby, libcontainerd/supervisor), which differ by nature, are left out. Files come with mode and hash.
 */
export async function endState(host: string): Promise<string[]> {
  const said = await seenOn(
    host,
    `docker info --format 'swarm {{.Swarm.LocalNodeState}} manager={{.Swarm.ControlAvailable}} nodes={{.Swarm.Nodes}}'
     docker container ls -a --format '{{.Names}}' | sort | while read -r name; do
       docker container inspect --format 'container {{.Name}} {{.Config.Image}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}} {{.HostConfig.Memory}} {{json .HostConfig.PortBindings}} {{range .Mounts}}{{.Type}}:{{.Name}}:{{.Destination}} {{end}}env={{len .Config.Env}}' "$name"
     done
     docker network ls --format 'network {{.Name}} {{.Driver}} {{.Scope}}' | sort
     docker volume ls --format 'volume {{.Name}}' | sort
     if [ "$(docker info --format '{{.Swarm.ControlAvailable}}')" = true ]; then docker node ls --format 'node {{.Hostname}} {{.Status}} {{.ManagerStatus}}' | sort; fi
     cd ~/kuscia-swarm 2>/dev/null && find . -type f -not -path '*/data/*' -not -path '*/logs/*' -not -name .machine-id | sort | while read -r file; do
       printf 'file %s %s %s\\n' "$file" "$(stat -c %a "$file")" "$(case $file in */database-root-password) wc -c <"$file" ;; *) sed -E '/^domainKeyData:/d' "$file" ;; esac | sha256sum | cut -c 1-16)"
     done
     find /tmp /dev/shm -mindepth 1 -maxdepth 1 -newer /etc/machine-id -not -name 'runc-process*' -not -name 'containerd.*.stacks.log' 2>/dev/null | sed 's/^/left /'`,
  );
  // A volume without a name is named by chance.
  return said.split('\n').map((line) => {
    const words = line
      .replace(/[0-9a-f]{64}/g, 'ANONYMOUS')
      .trim()
      .split(' ');
    // Docker lists mounts in no particular order.
    return words[0] === 'container' ? [...words.slice(0, 7), ...words.slice(7).sort()].join(' ') : words.join(' ');
  });
}

/** Lines that only one of the two states has. */
export const differences = (wanted: readonly string[], found: readonly string[]): string[] => [
  ...wanted.filter((line) => !found.includes(line)).map((line) => `- ${line}`),
  ...found.filter((line) => !wanted.includes(line)).map((line) => `+ ${line}`),
];
