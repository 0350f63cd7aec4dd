/** Messages of a feed as tests write them: numbered, stamped, and no more than is asked of them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FeedMessage, MachineNode } from '#dist/inspect/protocol.js'

export const SAMPLE = join(import.meta.dirname, '../fixtures/inspect/sample.ndjson')

export const PROCESS = '4711.a1b2'

/** What is told of an actor of this name. */
export function actorId(name: string): string {
  return `${PROCESS}/main/${name}`
}

type Told = { readonly type: string; readonly [key: string]: unknown }

/** Gives each message its number and its time, one millisecond after the other. */
export function stamped(told: readonly Told[]): FeedMessage[] {
  return told.map((message, index) => ({
    seq: index + 1,
    createdAt: String(1_795_889_642_000 + index),
    mono: 1_000 + index,
    process: PROCESS,
    thread: 'main',
    ...message,
  })) as unknown as FeedMessage[]
}

export function state(id: string, states: readonly MachineNode[] = []): MachineNode {
  const key = id.slice(id.lastIndexOf('.') + 1)
  return {
    id,
    key,
    type: states.length === 0 ? 'atomic' : 'compound',
    initial: states.slice(0, 1).map((one) => one.id),
    entry: [],
    exit: [],
    invoke: [],
    tags: [],
    transitions: [],
    states,
  }
}

/** The messages of the recorded sample, and the lines that they stand in. */
export function sampleMessages(): { readonly message: FeedMessage; readonly line: string }[] {
  const lines = readFileSync(SAMPLE, 'utf8').split('\n').slice(1)
  return lines
    .filter((line) => line !== '')
    .map((line) => ({ message: JSON.parse(line) as FeedMessage, line }))
}
