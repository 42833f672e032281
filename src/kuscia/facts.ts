import { z } from 'zod';
import { hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import { inProbe } from '../docker/probe.ts';
import { reading, script, type Command } from '../engine/command.ts';
import { failedTo, mapFact, present, type Query } from '../engine/fact.ts';
import { jsonOf } from '../engine/json.ts';

/** Who answered a request without credentials at a gateway's port (docs/kuscia.md#gateway-answer). */
export interface Answer {
  readonly status: number;
  /** Domain and replica name that the answer names; '' when it names none, which no Kuscia gateway does. */
  readonly domain: string;
  readonly instance: string;
  /**
   * curl's exit code: 0 when it was answered; else why not: 6 name not resolved, 7 refused or no route, 28 not in time,
   * 35 no TLS, 52 closed without an answer.
   */
  readonly exit: number;
}

/** Nobody was asked, or nothing that was said could be read. */
const NO_ANSWER: Answer = { status: 0, domain: '', instance: '', exit: 0 };

/** What a gateway speaks on the wire (docs/kuscia.md#protocol). */
export const gatewayScheme = (cluster: Cluster): 'http' | 'https' => (cluster.protocol === 'NOTLS' ? 'http' : 'https');

/** Seconds that a gateway has for its answer. */
const DIRECT_S = 5;

/**
 * Seconds that the load balancer has: nginx itself waits 5 for a replica that is silent before it asks the next
 * (proxy_connect_timeout in templates/nginx.conf.hbs).
 */
const BALANCED_S = 8;

/** Asks a replica's gateway through its host's published port, from the probe on a host. */
export function directAnswer(cluster: Cluster, host: Host): Query<Answer> {
  const url = `${gatewayScheme(cluster)}://${host.address}:${cluster.ports.gateway}/`;
  return oneAnswer(answersFrom(`ask the gateway at ${url}`, [url], DIRECT_S, (...what) => inProbe(cluster, ...what)));
}

/** Asks a replica's gateway from within its own container, where no network is in between. */
export function answerWithin(cluster: Cluster, container: string): Query<Answer> {
  const url = `${gatewayScheme(cluster)}://127.0.0.1:1080/`;
  return oneAnswer(
    answersFrom('ask the gateway from within its container', [url], DIRECT_S, (purpose, argv) =>
      reading(purpose, ['docker', 'exec', container, ...argv]),
    ),
  );
}

const oneAnswer = ({ command, read }: Query<readonly Answer[]>): Query<Answer> => ({
  command,
  read: (outcome) => mapFact(read(outcome), ([answer]) => answer ?? NO_ANSWER),
});

/** The load balancer's address for peers. */
export const loadBalancerUrl = (cluster: Cluster, address: string): string =>
  `${cluster.loadBalancer.scheme}://${address}:${cluster.loadBalancer.port}`;

/** So often the load balancer is asked: its turn is shared by all workers, so each replica answers about four times. */
export const requestsFor = (cluster: Cluster): number => 4 * hostsWith(cluster, 'replica').length + 1;

/** Asks the load balancer so often, each time on a fresh connection. */
export const loadBalancerAnswers = (cluster: Cluster, host: Host, times: number): Query<readonly Answer[]> => {
  const url = `${loadBalancerUrl(cluster, host.address)}/`;
  return answersFrom(`ask the load balancer at ${url}`, Array<string>(times).fill(url), BALANCED_S, (...what) =>
    inProbe(cluster, ...what),
  );
};

/**
 * One line a request: the end of the body, the status, curl's exit code; each is small enough to be written in one
 * piece. All are made side by side and past any proxy, so that who is silent hides nobody else. The certificate is the
 * gateway's own, made anew at each start, so it proves nothing.
 */
function answersFrom(
  purpose: string,
  urls: readonly string[],
  seconds: number,
  asked: (purpose: string, argv: readonly [string, ...string[]]) => Command,
): Query<readonly Answer[]> {
  const text = [
    'request() {',
    `r=$(curl --noproxy "*" -ks -m "$1" -H "Connection: close" -w " %{http_code}" "$2" | tail -c 1200; echo " ` +
      `\${PIPESTATUS[0]}")`,
    `printf "%s\\n" "\${r//[$'\\r\\n']/ }"`,
    '}',
    's=$1; shift',
    'for url in "$@"; do request "$s" "$url" & done; wait',
  ].join('\n');
  return {
    command: asked(purpose, ['bash', '-c', text, 'bash', String(seconds), ...urls]),
    read(outcome) {
      if (outcome.code !== 0) return failedTo(purpose, outcome);
      return present(
        outcome.stdout
          .split('\n')
          .filter((record) => record.trim() !== '')
          .map(answerIn),
      );
    },
  };
}

const rawAnswer = z.object({ domain: z.string().nullish(), instance: z.string().nullish() });

function answerIn(record: string): Answer {
  const [, text = '', code = '', exited = ''] = /^(.*) (\d{3}) (\d{1,3})\s*$/s.exec(record) ?? [];
  const [status, exit] = [Number(code), Number(exited)];
  try {
    const body = jsonOf(text, rawAnswer);
    return { status, domain: body.domain ?? '', instance: body.instance ?? '', exit };
  } catch {
    return { status, domain: '', instance: '', exit };
  }
}

/** Whether the answer is that of a gateway of this domain: 401, naming the domain and a replica. */
export const isGateway = (cluster: Cluster, answer: Answer): boolean =>
  answer.status === 401 && answer.domain === cluster.domain && answer.instance !== '';

/** Why there was no answer, by curl's exit code. */
const SILENCE: Readonly<Record<number, string>> = {
  6: 'its name cannot be resolved in a container',
  7: 'refused, or no route',
  28: 'no answer in time',
  35: 'no TLS',
  52: 'closed without an answer',
  56: 'connection reset',
};

/** What an answer was, in words. */
export function describeAnswer(cluster: Cluster, answer: Answer): string {
  if (isGateway(cluster, answer)) return `401 from ${answer.instance}`;
  if (answer.status === 0) return SILENCE[answer.exit] ?? 'no answer';
  if (answer.domain !== '') return `${answer.status} from domain ${answer.domain}`;
  return `${answer.status}, but not from a Kuscia gateway`;
}

/**
 * What a start that fails says of why, by the real program (docs/kuscia.md#failed-starts); much of what a healthy one
 * prints says "failed" or "invalid", too.
 */
const DECISIVE = [
  'datastore endpoint failed with',
  'config failed',
  '.datastoreEndpoint. is invalid',
  'Not supported',
  'is unsupported',
  'different token',
  'different machine id',
  'wait ready failed',
  'parse key',
  'match parent.s PublicKey',
  'host IP unknown',
  'privileged mode',
  'unknown runtime',
].join('|');

/**
 * Of each start the first decisive line counts, and of several starts the last that has one; of none that has led to a
 * replica that works. docker's own times are asked by: those in the lines are local to the image. A container that
 * docker restarts by itself did so because of what it said before.
 */
const LAST_WORDS = `
state=$(docker inspect --format '{{.State.StartedAt}} {{.RestartCount}}' "$1") || exit
since=\${state% *}
case $since in 0001-*) since=0 ;; *) since=$(date -u -d "$since - 1 second" +%FT%TZ) ;; esac
[ "\${state##* }" = 0 ] || [ "$(date -d "$since" +%s)" -lt $(($(date +%s) - 110)) ] || since=110s
docker logs --since "$since" --tail 400 "$1" 2>&1 | tr -d '\\r' | awk '
/Kuscia started success/ { said = fatal = ""; next }
/config file watcher start/ { fresh = 1; fatal = "" }
/${DECISIVE}/ { if (fresh || said == "") said = $0; fresh = 0; next }
/ FATAL |^FATAL|level=fatal|is finished with err=./ { if (fatal == "") fatal = $0 }
END { print substr(said != "" ? said : fatal, 1, 400) }'`;

/**
 * The line of a replica's log that says why it does not work; '' where none does. Its time is local to the image, so it
 * is cut off.
 */
export const lastErrorLines = (container: string): Query<string> => ({
  command: reading('read the log of the replica', script(LAST_WORDS, container)),
  read(outcome) {
    if (outcome.code !== 0) return failedTo('read the log of the replica', outcome);
    const line = outcome.stdout.trim().replace(/^\d{4}-\d\d-\d\d [\d:.]+ /, '');
    return present(line);
  },
});
