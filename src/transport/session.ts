/** The host did not open another channel; nothing was run. */
export interface Refused {
  readonly ended: 'refused';
  readonly reason: string;
}

/** The channel closed without an announcement: the login ran something other than the command. */
export interface Unannounced {
  readonly ended: 'unannounced';
  /** How the other program ended: `exit 1`. */
  readonly how: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a running command learns from its connection. */
export interface ConnectionSignals {
  /** Aborts when the connection is lost; the reason is a text. */
  readonly gone: AbortSignal;
  /** Aborts when the connection is about to close: the command is terminated. */
  readonly closing: AbortSignal;
  /** Aborts when this login cannot run commands: commands that have not started are not waited for. */
  readonly hopeless: AbortSignal;
  /** Called when the command has announced itself. */
  announced(): void;
  /** Whether sudo starts the command. */
  readonly sudo?: true;
  /** Whether to abandon a command at once when it must end, because the connection is about to close. */
  readonly graceless?: true;
  /** Sends a signal to process groups on the host; false if the host did not accept it. */
  signal(name: SignalName, groups: readonly number[]): Promise<boolean>;
}

export type SignalName = 'TERM' | 'KILL';
