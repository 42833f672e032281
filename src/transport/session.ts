/** The host would not open another channel; nothing was run. */
export interface Refused {
  readonly ended: 'refused';
  readonly reason: string;
}

/** The channel has ended and the command was never announced: what the login runs is something else. */
export interface Unannounced {
  readonly ended: 'unannounced';
  /** How what ran instead ended: `exit 1`. */
  readonly how: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a running command learns from its connection. */
export interface ConnectionSignals {
  /** Aborts when the connection is gone; the reason is the text why. */
  readonly gone: AbortSignal;
  /** Aborts when the connection is to be closed: the command is told to end. */
  readonly closing: AbortSignal;
  /** Aborts when no command can be announced here: none that has not begun is waited for. */
  readonly hopeless: AbortSignal;
  /** Told once the command was announced. */
  announced(): void;
  /** Whether sudo starts the command. */
  readonly sudo?: true;
  /** Whether a command that has to end is left behind at once: the connection is about to be closed. */
  readonly graceless?: true;
  /** Sends a signal to process groups of the host; false when the host would not hear of it. */
  signal(name: SignalName, groups: readonly number[]): Promise<boolean>;
}

export type SignalName = 'TERM' | 'KILL';
