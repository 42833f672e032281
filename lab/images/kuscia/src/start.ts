import { randomBytes, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { loadConfig, readKey, type Config } from './config.ts';
import { inGoWords, openDatabase, readEndpoint, type Database } from './database.ts';
import { takeOverDns } from './dns.ts';
import { bootstrapKey, makeCertificates, makeFolders } from './files.ts';
import { spawnK3s } from './k3s.ts';
import { openKine } from './kine.ts';
import type { Log } from './log.ts';
import { firstModules, moduleFails } from './modules.ts';
import type { Place } from './place.ts';
import { makeKinds, missingKinds, ensureNamespace, putDomain, type Replica } from './replica.ts';
import { run } from './run.ts';

// The real times of a start, in milliseconds: until k3s serves, on an empty and on a used database.
const k3sTimes = { first: 8000, again: 5000 };

/** `kuscia start -c FILE`: the exit code, as soon as the program has ended; it means as little as Kuscia's. */
export async function start(file: string, place: Place, log: Log): Promise<number> {
  log.plain(`Kuscia config file watcher start, config file: ${file}.`);
  log.plain(`Kuscia hot reload is enabled, config file path: ${file}`);
  const loaded = loadConfig(file);
  if (!loaded.ok) {
    log.plain(`Load kuscia common config failed. ${loaded.message}`);
    return 1;
  }
  if (!place.address) {
    log.plain('host IP unknown');
    return 1;
  }
  makeFolders(place);
  log.openFile(`${place.home}/var/logs/kuscia.log`);
  const { config } = loaded;
  const key = readKey(config.keyData);
  if (!key) {
    log.error(
      'tls/crypt.go:337',
      'load key data failed: invalid private key, should be PEM block format, try key file',
    );
    log.error('modules/runtime.go:72', `load key failed: key: false, file: ${place.home}/var/certs/ca.key`);
    log.fatal('modules/runtime.go:195', "can't parse key");
    return 1;
  }
  if (makeCertificates(place, config.domain, key))
    for (let i = 0; i < 2; i++) log.info('tls/crypt.go:377', `Generate cert with key, subject[${config.domain}]`);
  if (!mayRun(config, log)) return 1;
  firstModules(log, place.home);
  if (place.inContainer) takeOverDns(place.home, place.address, '/etc/resolv.conf');
  return withDatabase(config, key, place, log);
}

function mayRun({ runtime }: Config, log: Log): boolean {
  const capabilities = /^CapEff:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  log.info('runtime/permission.go:115', `[CapEff]: /proc/self/status capeff=${capabilities}`);
  const privileged = (BigInt(`0x${capabilities || '0'}`) >> 21n) & 1n;
  if (runtime !== 'runc' || privileged) return true;
  log.error('start/start.go:86', 'Runc must run with privileged mode');
  log.error('start/start.go:87', 'Please run kuscia like: docker run --privileged secretflow/kuscia');
  log.plain('Error: permission is error');
  log.plain('permission is error');
  return false;
}

async function withDatabase(config: Config, key: KeyObject, place: Place, log: Log): Promise<number> {
  const since = Date.now();
  // Whether a child that is hardly born can be stopped is a race in Kuscia: it loses about one time in twenty, and only at once.
  const unlucky = (): boolean => Date.now() - since < 1000 && Math.random() < 0.05;
  const fails = (module: string, reason: string, slow = unlucky()): Promise<number> =>
    moduleFails(log, config.domain, module, reason, slow, wait);
  const refuses = (reason: string): Promise<number> => {
    log.error('modules/k3s.go:114', `k3s check datastore endpoint failed with: ${reason}`);
    return fails('k3s', reason);
  };
  const endpoint = readEndpoint(config.endpoint);
  if (!endpoint.ok) return refuses(endpoint.message);
  const database = openDatabase(endpoint.options);
  try {
    await database.rows('SELECT 1');
  } catch (error) {
    await database.close();
    return refuses(`ping datastore endpoint error: ${inGoWords(error, endpoint.options)}`);
  }
  log.info('datastore/datastore_endpoint_check.go:105', 'Datastore endpoint is effective.');
  log.info('supervisor/supervisor.go:75', '[k3s] start and watch subprocess');
  log.info('supervisor/supervisor.go:101', '[k3s] try to start new process');
  const replica: Replica = {
    place,
    kine: openKine(database),
    log,
    domain: config.domain,
    runtime: config.runtime,
    key,
  };
  const fatal = await claim(replica, database);
  if (fatal) {
    const died = 'process [k3s][26] only existed 164 ms, less than 3000 ms, with error: exit status 1';
    log.warn('supervisor/supervisor.go:155', 'Process [k3s][26] exit with error: exit status 1');
    log.warn('supervisor/supervisor.go:110', `[k3s] run process failed, detail -> ${died}`);
    log.error(
      'modules/k3s.go:515',
      `[k3s] Log content: time="${new Date().toISOString()}" level=fatal msg="starting kubernetes: preparing server: ${fatal}"\n [k3s] Log end`,
    );
    return fails('k3s', `startup process failed at first time, so stop at once, error: ${died}`, false);
  }
  const child = spawnK3s(place, config.domain, config.endpoint);
  const missing = await missingKinds(replica);
  await wait((missing.length > 0 ? k3sTimes.first : k3sTimes.again) * place.pace);
  if (await makeKinds(replica, missing)) return 1;
  for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system']) await ensureNamespace(replica, name);
  await putDomain(replica);
  return run({
    replica,
    config,
    database,
    child,
    firstStart: missing.length > 0,
    fails: (module, reason) => fails(module, reason, false),
    token: randomBytes(16).toString('hex'),
  });
}

/** Makes the table and claims the database for the domain; the reason where that cannot be. */
async function claim({ kine, domain }: Replica, database: Database): Promise<string> {
  try {
    await kine.prepare();
    const own = bootstrapKey(domain);
    const others = (await kine.bootstraps()).filter((name) => name !== own);
    if (others.length > 0) return 'bootstrap data already found and encrypted with different token';
    await kine.createBootstrap(own);
    return '';
  } catch (error) {
    return `creating storage endpoint: building kine: ${inGoWords(error, database.options)}`;
  }
}
