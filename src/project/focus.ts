/**
 * What this machine's user has declared to work on in a project, and until when: a small file in the state directory,
 * which whoever holds the project's link reads. Nobody waits for it, so a power cut may take it.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { FOCUS_NAME } from '../contracts/wire/focus.ts'
import { isJsonObject, type Json, parseJson } from '../contracts/json/json.ts'
import { systemCode } from '../errors.ts'
import { temporaryBeside } from './files/durable-file.ts'
import { identityOrNull } from './identity.ts'
import { readPrivateFile } from './files/private-file.ts'
import type { Repository } from './types.ts'
import { focusPath, isInState, makeStateFolder, stateUnreachable } from './state-directory.ts'

export type DeclaredFocus = {
  /** Directory name. */
  readonly mission: string
  readonly wp: string | null
  /** Unix milliseconds. */
  readonly until: number
}

/** As it is shown. */
export type PresentFocus = Omit<DeclaredFocus, 'until'> & {
  /** RFC 3339, UTC. */
  readonly until: string
}

const BYTES_MAX = 4_096

/**
 * Of the project of a repository; null where none is declared, or its time is over.
 *
 * @throws StoreError STATE_UNREACHABLE
 */
export async function presentFocus(
  repository: Repository,
  state: string,
  now: number,
): Promise<PresentFocus | null> {
  const identity = await identityOrNull(repository)
  if (identity === null || !isInState(focusPath(state, identity.uuid))) return null
  const focus = readFocus(state, identity.uuid, now)
  return focus === null ? null : shownFocus(focus)
}

export function shownFocus({ mission, wp, until }: DeclaredFocus): PresentFocus {
  return { mission, wp, until: new Date(until).toISOString() }
}

/** Null where none is declared, its time is over, or the file can't be used. Never throws but STATE_PATH. */
export function readFocus(state: string, projectUuid: string, now: number): DeclaredFocus | null {
  const focus = parseFocus(textOf(focusPath(state, projectUuid)))
  return focus === null || focus.until <= now ? null : focus
}

/** @throws StoreError STATE_UNREACHABLE */
export function writeFocus(state: string, projectUuid: string, focus: DeclaredFocus): void {
  const path = focusPath(state, projectUuid)
  makeStateFolder(dirname(path))
  const temporary = temporaryBeside(path)
  try {
    writeFileSync(temporary, JSON.stringify(focus), { flag: 'wx', mode: 0o600 })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw stateUnreachable(error)
  }
}

/** @throws StoreError STATE_UNREACHABLE */
export function removeFocus(state: string, projectUuid: string): void {
  try {
    rmSync(focusPath(state, projectUuid), { force: true })
  } catch (error) {
    if (systemCode(error) === null) throw error
    throw stateUnreachable(error)
  }
}

function textOf(path: string): string {
  try {
    const reading = readPrivateFile(path, BYTES_MAX)
    return reading.state === 'read' ? reading.text : ''
  } catch {
    return ''
  }
}

function parseFocus(text: string): DeclaredFocus | null {
  let value: Json
  try {
    value = parseJson(text)
  } catch {
    return null
  }
  if (!isJsonObject(value)) return null
  const { mission, wp, until } = value
  if (typeof mission !== 'string' || !FOCUS_NAME.test(mission)) return null
  if (wp !== null && (typeof wp !== 'string' || !FOCUS_NAME.test(wp))) return null
  return typeof until === 'number' ? { mission, wp, until } : null
}
