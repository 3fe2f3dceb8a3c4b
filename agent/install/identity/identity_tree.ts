/** The parts of a tree that identity depends on. Paths are absolute inside the tree. */
export interface IdentityTree {
  /** Texts of the configuration files that `tree_facts.ts` names. */
  readonly texts: ReadonlyMap<string, string>;
  /** Further paths that exist: enabled units, programs, symbolic links among the files. */
  readonly paths: ReadonlySet<string>;
  readonly symlinks: ReadonlySet<string>;
  /** Modes of the settings that may be renamed. */
  readonly modes?: ReadonlyMap<string, number>;
}
