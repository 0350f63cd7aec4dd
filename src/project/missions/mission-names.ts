/** The names around a mission, each composed in one place. */
import { InputError } from '../../errors.ts'

export type MissionNames = {
  /** First eight characters of the mission's ULID. */
  readonly mid8: string
  /** `<slug>-<mid8>`. */
  readonly directory: string
  /** Short name of the mission branch. */
  readonly branch: string
  /** Folder of the coordination worktree below `.worktrees`. */
  readonly worktreeFolder: string
}

export const WORKTREES_FOLDER = '.worktrees'
export const MISSIONS_FOLDER = 'kitty-specs'

const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/
const RESERVED_ON_WINDOWS = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$/
const NUMBER_PREFIX = /^[0-9]{3}-(?=.)/

/**
 * The slug of a new mission; an old number in front (`042-`) is dropped.
 *
 * @throws InputError MISSION_SLUG
 */
export function missionSlug(text: string): string {
  const slug = SLUG.test(text) ? text.replace(NUMBER_PREFIX, '') : ''
  if (SLUG.test(slug) && !RESERVED_ON_WINDOWS.test(slug)) return slug
  throw new InputError(
    'MISSION_SLUG',
    'a slug of 1 to 64 lower-case letters, digits and hyphens is expected, no hyphen at its ends',
    {
      hint: 'For example `offline-queue`; names that Windows reserves, such as `con`, are refused.',
    },
  )
}

export function missionNames(slug: string, missionId: string): MissionNames {
  const mid8 = missionId.slice(0, 8)
  const directory = `${slug}-${mid8}`
  return {
    mid8,
    directory,
    branch: `kitty/mission-${directory}`,
    worktreeFolder: coordinationFolder(directory),
  }
}

/**
 * The folder of a mission's coordination worktree; an old number in front stays, as it is part of
 * the name.
 */
export function coordinationFolder(directory: string): string {
  return `${directory}-coord`
}

/** The slug within a directory name; the declared id decides what is its tail. */
export function slugInDirectory(directory: string, missionId: string): string {
  const tail = `-${missionId.slice(0, 8)}`.toLowerCase()
  const hasTail = directory.toLowerCase().endsWith(tail) && directory.length > tail.length
  return hasTail ? directory.slice(0, -tail.length) : directory
}

/** A readable name from a slug: `offline-queue` gives `Offline queue`. */
export function friendlyName(slug: string): string {
  const words = slug.split('-').filter((word) => word !== '')
  const text = words.join(' ') || slug
  return text.charAt(0).toUpperCase() + text.slice(1)
}
