import { z } from 'zod';
import { hostsWith, type Cluster, type Host } from '../cluster/cluster.ts';
import { inProbe } from '../docker/probe.ts';
import { reading, script, type Command } from '../engine/command.ts';
import { failedTo, mapFact, present, type Query } from '../engine/fact.ts';
import { jsonOf } from '../engine/json.ts';

/** The answer to a request without credentials at a gateway's port (docs/kuscia.md#gateway-answer). */
export interface Answer {
  readonly status: number;
  /** Domain and replica in the answer; '' if absent, which means it is not a Kuscia gateway. */
  readonly domain: string;
  readonly instance: string;
  /**
   * curl's exit code: 0 for an answer; otherwise 6 name not resolved, 7 refused or no route, 28 timeout, 35 no TLS, 52
   * closed without an answer.
   */
  readonly exit: number;
}

/** Nothing was queried, or no answer could be parsed. */
const NO_ANSWER: Answer = { status: 0, domain: '', instance: '', exit: 0 };

/** The scheme of a gateway (docs/kuscia.md#protocol). */
export const gatewayScheme = (cluster: Cluster): 'http' | 'https' => (cluster.protocol === 'NOTLS' ? 'http' : 'https');

/** Time limit for a gateway's answer, in seconds. */
const DIRECT_S = 5;

/**
 * Time limit for the load balancer, in seconds: nginx waits 5 for an unresponsive replica before it tries the next
 * (proxy_connect_timeout in templates/nginx.conf.hbs).
 */
const BALANCED_S = 8;

/** Queries a replica's gateway at its host's published port, from the probe on a host. */
export function directAnswer(cluster: Cluster, host: Host): Query<Answer> {
  const url = `${gatewayScheme(cluster)}://${host.address}:${cluster.ports.gateway}/`;
  return oneAnswer(answersFrom(`query the gateway at ${url}`, [url], DIRECT_S, (...what) => inProbe(cluster, ...what)));
}

/** Queries a replica's gateway inside its own container, without a network in between. */
export function answerWithin(cluster: Cluster, container: string): Query<Answer> {
  const url = `${gatewayScheme(cluster)}://127.0.0.1:1080/`;
  return oneAnswer(
    answersFrom('query the gateway inside its container', [url], DIRECT_S, (purpose, argv) =>
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

/**
 * Number of requests to the load balancer: its rotation is shared by all workers, so each replica answers about four.
 */
export const requestsFor = (cluster: Cluster): number => 4 * hostsWith(cluster, 'replica').length + 1;

/** Sends that many requests to the load balancer, each on a new connection. */
export const loadBalancerAnswers = (cluster: Cluster, host: Host, times: number): Query<readonly Answer[]> => {
  const url = `${loadBalancerUrl(cluster, host.address)}/`;
  return answersFrom(`query the load balancer at ${url}`, Array<string>(times).fill(url), BALANCED_S, (...what) =>
    inProbe(cluster, ...what),
  );
};

/**
 * One line per request: the end of the body, the status, curl's exit code; small enough for an atomic write. Requests
 * run in parallel and bypass any proxy, so that one without an answer does not delay the others. The gateway's
 * certificate is regenerated at each start, so it is not verified.
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

/** Whether the answer is from a gateway of this domain: 401 with the domain and a replica. */
export const isGateway = (cluster: Cluster, answer: Answer): boolean =>
  answer.status === 401 && answer.domain === cluster.domain && answer.instance !== '';

/** Reasons for no answer, by curl's exit code. */
const SILENCE: Readonly<Record<number, string>> = {
  6: 'its name cannot be resolved in a container',
  7: 'refused, or no route',
  28: 'no answer in time',
  35: 'no TLS',
  52: 'closed without an answer',
  56: 'connection reset',
};

/** Describes an answer. */
export function describeAnswer(cluster: Cluster, answer: Answer): string {
  if (isGateway(cluster, answer)) return `401 from ${answer.instance}`;
  if (answer.status === 0) return SILENCE[answer.exit] ?? 'no answer';
  if (answer.domain !== '') return `${answer.status} from domain ${answer.domain}`;
  return `${answer.status}, but not from a Kuscia gateway`;
}

/**
 * What Kuscia logs about a failed start (docs/kuscia.md#failed-starts); a healthy start also logs many lines with
 * "failed" or "invalid".
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
 * The first decisive line of a start counts, and among several starts the last that has one, but none from before a
 * successful start. Uses Docker's timestamps, because those in the lines are local to the image. A container restarted
 * by Docker itself failed for reasons logged before the restart.
 */
const LAST_ERROR_LINE = `
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
 * The line of a replica's log that explains why it does not work; '' if none. Its timestamp, which is local to the
 * image, is removed.
 */
export const lastErrorLines = (container: string): Query<string> => ({
  command: reading('read the log of the replica', script(LAST_ERROR_LINE, container)),
  read(outcome) {
    if (outcome.code !== 0) return failedTo('read the log of the replica', outcome);
    const line = outcome.stdout.trim().replace(/^\d{4}-\d\d-\d\d [\d:.]+ /, '');
    return present(line);
  },
});
