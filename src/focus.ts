/** What the user declares to work on: told to those who follow the project, by whoever holds its link, until it is over. */
import { z } from 'zod'
import { checkInput } from './checked-input.ts'
import { FOCUS_NAME } from './contracts/wire/focus.ts'
import type { Parts } from './parts.ts'
import { InputError } from './errors.ts'
import { presentFocus, readFocus, removeFocus, shownFocus, writeFocus } from './project/focus.ts'
import type { PresentFocus } from './project/focus.ts'
import { identityOrNull, requireIdentity } from './project/identity.ts'
import { readMission } from './project/missions/missions.ts'
import { packageId } from './work-package-input.ts'

export type FocusDeclaration = {
  /** Directory name, slug or ULID. */
  readonly mission: string
  /** `WP` and one or two digits. */
  readonly wp?: string
  /** How long it counts, unless something else is declared; default two hours. From a minute to a day. */
  readonly forMs?: number
}

export type FocusDoor = {
  /**
   * One at a time for this project and machine: it takes the place of the one before.
   *
   * @throws InputError FOCUS_INVALID, FOCUS_NAME, WP_ID; ProjectError NO_IDENTITY, CONFIG_UNUSABLE, MISSION_NOT_FOUND,
   *   MISSION_AMBIGUOUS, MISSION_UNREADABLE; StoreError
   */
  declare(declaration: FocusDeclaration): Promise<PresentFocus>
  /** False where none was declared. @throws StoreError STATE_UNREACHABLE */
  clear(): Promise<boolean>
  /** Null where none is declared, or its time is over. @throws StoreError STATE_UNREACHABLE */
  present(): Promise<PresentFocus | null>
}

/** What a move of a work package says of the focus of who moves it. */
export type FocusFollower = {
  /** Into `in_progress`: it is worked on; elsewhere: no longer. */
  follow(projectUuid: string, mission: string, wp: string, isWorkedOn: boolean): void
}

export const FOCUS_MIN_MS = 60_000
export const FOCUS_MAX_MS = 24 * 3_600_000
const FOCUS_DEFAULT_MS = 2 * 3_600_000
const name = z.string().min(1).max(256)
const schema = z.strictObject({
  mission: name,
  wp: name.optional(),
  forMs: z.int().min(FOCUS_MIN_MS).max(FOCUS_MAX_MS).optional(),
})

export function createFocus({
  repository,
  state,
  sanitizer,
  clock,
}: Pick<Parts, 'repository' | 'state' | 'sanitizer' | 'clock'>): FocusDoor & FocusFollower {
  const write = (projectUuid: string, mission: string, wp: string | null, forMs: number) => {
    // Through the same door as events: what must not leave in one of them must not leave here.
    const clean = sanitizer.sanitize({ mission, wp }).value as {
      mission: string
      wp: string | null
    }
    if (!FOCUS_NAME.test(clean.mission)) throw untold()
    const focus = { ...clean, until: clock.now() + forMs }
    writeFocus(state, projectUuid, focus)
    return shownFocus(focus)
  }

  return {
    declare: async (input) => {
      const { mission, wp, forMs } = checkInput(schema, input, invalid)
      const { uuid } = await requireIdentity(repository)
      const { directory } = await readMission(repository, mission)
      const id = wp === undefined ? null : packageId(wp)
      return write(uuid, directory, id, forMs ?? FOCUS_DEFAULT_MS)
    },
    clear: async () => {
      const identity = await identityOrNull(repository)
      if (identity === null) return false
      const wasThere = readFocus(state, identity.uuid, clock.now()) !== null
      removeFocus(state, identity.uuid)
      return wasThere
    },
    present: () => presentFocus(repository, state, clock.now()),
    follow: (projectUuid, mission, wp, isWorkedOn) => {
      if (isWorkedOn) return void write(projectUuid, mission, wp, FOCUS_DEFAULT_MS)
      const focus = readFocus(state, projectUuid, clock.now())
      if (focus?.mission === mission && focus.wp === wp) removeFocus(state, projectUuid)
    },
  }
}

function untold(): InputError {
  return new InputError('FOCUS_NAME', 'the name of this mission can not be told to a team', {
    hint: 'It is longer than 128 characters, or the sanitizer takes something out of it.',
  })
}

function invalid(why: string): InputError {
  return new InputError('FOCUS_INVALID', `this focus can't be declared: ${why}`, {
    hint: 'See `kittiwake focus --help`.',
  })
}
