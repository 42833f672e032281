/** A requirement that a host does not meet; advice does not stop a run. */
export interface Finding {
  readonly what: string;
  readonly evidence?: string;
  readonly cause?: string;
  readonly remedy: string;
  readonly advice?: true;
}
