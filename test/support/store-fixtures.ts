/**
 * What the tests of the store share: folders, events as the runtime serializes them, and an outbox
 * to use.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { onTestFinished } from 'vitest'

import type { SerializedEvent } from '../../src/contracts/event.ts'
import type { JsonObject } from '../../src/contracts/json/json.ts'
import { encodeJson } from '#dist/contracts/json/json.js'
import { Outbox, type OutboxOptions } from '#dist/workers/store/outbox.js'

export const PROJECT = '6f2b8c1e-3d4a-4f5b-8c6d-7e8f9a0b1c2d'
export const OTHER_PROJECT = '0e1d2c3b-4a59-4687-9574-635241302f1e'
export const NODE = '0123456789ab'
export const PROJECT_OWNER = { kind: 'project', uuid: PROJECT } as const
export const REPOSITORY_KEY = '00112233445566778899aabbccddeeff'
export const REPOSITORY_OWNER = { kind: 'repository', key: REPOSITORY_KEY } as const

/** Runs after the test, before what was registered earlier. */
export function later(action: () => void): void {
  onTestFinished(() => action())
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kittiwake-store-'))
  later(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function openOutbox(options: Partial<OutboxOptions> = {}): Outbox {
  const outbox = Outbox.open({
    path: options.path ?? join(temporaryFolder(), 'outbox.db'),
    owner: PROJECT_OWNER,
    nodeId: NODE,
    ...options,
  })
  later(() => outbox.close())
  return outbox
}

export const HUB = { origin: 'https://hub.example.org', team: 'team', epoch: 'first' } as const

/** An outbox with consent, which claims for the hub. */
export function linkedOutbox(options: Partial<OutboxOptions> = {}): Outbox {
  const outbox = openOutbox(options)
  outbox.grantConsent(false)
  outbox.target(HUB)
  return outbox
}

export function claimedIds(outbox: Outbox, max = 100): readonly string[] {
  return outbox.claim(max).rows.map((event) => event.event_id)
}

/** The hub's final no to each. */
export function refused(reason: string, ...numbers: readonly number[]) {
  return numbers.map((number) => ({ event_id: idOf(number), reason, isFinal: true }))
}

/** The ULID of a number. */
export function idOf(number: number): string {
  return `01J${String(number).padStart(23, '0')}`
}

export function eventOf(number: number, fields: JsonObject = {}): JsonObject {
  return {
    event_id: idOf(number),
    event_type: 'WPStatusChanged',
    aggregate_id: 'WP01',
    aggregate_type: 'WorkPackage',
    schema_version: '3.0.0',
    build_id: 'build',
    payload: { number },
    node_id: NODE,
    lamport_clock: 0,
    causation_id: null,
    correlation_id: idOf(number),
    timestamp: '2026-03-04T05:06:07.000000+00:00',
    team_slug: 'local',
    project_uuid: PROJECT,
    project_slug: 'project',
    git_branch: null,
    head_commit_sha: null,
    repo_slug: null,
    ...fields,
  }
}

export function serialized(event: JsonObject): SerializedEvent {
  return encodeJson(event) as SerializedEvent
}

export function textOf(number: number, fields: JsonObject = {}): SerializedEvent {
  return serialized(eventOf(number, fields))
}

/** Appends one batch and answers its receipts. @throws the batch's refusal */
export function append(outbox: Outbox, ...events: readonly SerializedEvent[]) {
  const [answer] = outbox.appendAll([events])
  if (answer === undefined || answer instanceof Error) throw answer ?? new Error('no answer')
  return answer
}

export function appendNumbers(outbox: Outbox, ...numbers: readonly number[]) {
  return append(outbox, ...numbers.map((number) => textOf(number)))
}

/** Another connection to the same file, without any of our rules. */
export function rawDatabase(path: string): Database.Database {
  const db = new Database(path)
  later(() => db.close())
  return db
}

/** The `code` of what `work` throws. */
export function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
      return error.code
    }
    throw error
  }
  return 'nothing was thrown'
}
