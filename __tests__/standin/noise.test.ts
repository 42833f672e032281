import { describe, expect, test } from '@jest/globals';
import { createLog, type Log } from '../../lab/images/kuscia/src/log.ts';
import { stoppingLines } from '../../lab/images/kuscia/src/modules.ts';
import {
  envoyNotThereYet,
  handshakeFailed,
  leaseLost,
  nodesBeforeDomain,
  requestLine,
  unlikeOneself,
  unlikePartner,
} from '../../lab/images/kuscia/src/noise.ts';
import { observed } from './fixtures.ts';

const bare = (line: string): string =>
  line
    .replace(/^\d{4}-\S+ \S+ /, '')
    .replace(/retry:\[\d+\]/, 'retry:[]')
    .replace(/re-queuing \(.*\)/, 're-queuing')
    .replace(/Duration: [^,]*/, 'Duration: ');
const seen = observed('log-noise.txt').trimEnd().split('\n').map(bare);

/** The lines logged meanwhile, without times. */
function logged(act: (log: Log) => unknown): string[] {
  let printed = '';
  act(createLog((text) => void (printed += text)));
  return printed.trimEnd().split('\n').map(bare);
}

const mismatch = 'source domain [bob] publickey hash mismatch in domainroute [bob-alice]';

describe('a healthy replica logs, as the real one does,', () => {
  const cases: [string, (log: Log) => unknown][] = [
    ['that Envoy does not listen yet', (log) => envoyNotThereYet(log)],
    ['that its lease is lost, when it ends in order', (log) => leaseLost(log)],
    [
      "that a partner's key is not the one of the partner's certificate",
      (log) => unlikePartner(log, 'bob-alice', 'bob'),
    ],
    ['that a partner has said so', (log) => handshakeFailed(log, 'bob-alice', 'bob', mismatch)],
    ['that a partner has another certificate of this domain', (log) => unlikeOneself(log, 'alice-bob', 'alice', 'bob')],
    [
      'each request to KusciaAPI',
      (log) =>
        log.info(
          'interceptor/common.go:121',
          requestLine(
            '/healthZ',
            '{}',
            200,
            '{"data":{"ready":true},"status":{"code":0,"details":null,"message":"success"}}',
          ),
        ),
    ],
  ];
  test.each(cases)('%s', (_, act) => {
    const lines = logged(act);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(seen).toContain(line);
  });

  test('that it heard of a node before its domain', () => {
    expect(logged((log) => nodesBeforeDomain(log, ['root-kuscia-autonomy-alice-node-02'], 'alice'))).toEqual([
      'ERROR resource/node_resource_manager.go:310 Get domain root-kuscia-autonomy-alice-node-02 failed with domain.kuscia.secretflow "alice" not found',
    ]);
  });

  test('the lost lease among the lines of an orderly end', () => {
    expect(logged(stoppingLines)).toContain('WARN modules/scheduler.go:130 Schedule run failed with: lost lease');
  });
});
