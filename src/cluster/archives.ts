/** An archive of images on the machine that this runs on, as `docker save` writes it. */
export interface Archive {
  /** Its absolute path. */
  readonly file: string;
  readonly bytes: number;
  readonly images: readonly ArchivedImage[];
}

/** An image of an archive, and how it is known again on a host that loaded it. */
export interface ArchivedImage {
  /** As docker lists it: `nginx:1.26`. */
  readonly name: string;
  /**
   * The ids it may have there: the digest of its configuration, or of its manifest, as engines keep images in two ways.
   */
  readonly ids: readonly string[];
  /**
   * The digests of its unpacked layers, where the archive holds no manifest: then an engine that needs one makes it,
   * and with it an id that nobody knows before.
   */
  readonly layers?: readonly string[];
}
