import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Does the work while holding a lock on the file, which the kernel releases when this process ends; waits at most 15 minutes. */
export async function locked<T>(file: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  const release = await hold(file);
  try {
    return await work();
  } finally {
    await release();
  }
}

function hold(file: string): Promise<() => Promise<void>> {
  return new Promise((resolve, reject) => {
    // The holder ends when its input does, hence also when this process is killed.
    const holder = spawn('flock', ['--timeout', '900', file, 'sh', '-c', 'echo held; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    holder.on('error', reject);
    const ended = new Promise<void>((done) => {
      holder.on('close', () => {
        done();
      });
    });
    holder.once('close', () => {
      reject(new Error(`another lab command held ${file} for 15 minutes`));
    });
    holder.stdout.once('data', () => {
      resolve(() => {
        holder.stdin.end();
        return ended;
      });
    });
  });
}
