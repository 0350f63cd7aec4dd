/** A project that leaves the state directory. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { outboxPath, senderLeasePath } from '#dist/project/state-directory.js'
import { Outbox } from '#dist/workers/store/outbox.js'
import { purgeProject } from '#dist/workers/store/purge-project.js'
import { SenderLease } from '#dist/workers/store/sender-lease.js'
import {
  HUB,
  NODE,
  OTHER_PROJECT,
  PROJECT,
  PROJECT_OWNER,
  append,
  appendNumbers,
  claimedIds,
  codeOf,
  eventOf,
  idOf,
  later,
  openOutbox,
  serialized,
  temporaryFolder,
  textOf,
} from '../../support/store-fixtures.ts'

const CANARY = 'guillemot-7741'
const NEIGHBOUR = { kind: 'project', uuid: OTHER_PROJECT } as const

/** Two projects, the first with a canary in its events and all that can become of them. */
function stateOfTwo(): string {
  const state = temporaryFolder()
  const outbox = Outbox.open({
    path: outboxPath(state, PROJECT),
    owner: PROJECT_OWNER,
    nodeId: NODE,
  })
  outbox.grantConsent(false)
  outbox.target(HUB)
  for (let number = 1; number <= 40; number++) {
    append(outbox, textOf(number, { payload: { text: CANARY.repeat(50) } }))
  }
  outbox.settle(claimedIds(outbox, 20), [])
  outbox.close()
  const neighbour = Outbox.open({
    path: outboxPath(state, OTHER_PROJECT),
    owner: NEIGHBOUR,
    nodeId: NODE,
  })
  append(neighbour, serialized(eventOf(1, { project_uuid: OTHER_PROJECT })))
  neighbour.close()
  return state
}

function filesWith(state: string, text: string): readonly string[] {
  return readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const path = join(state, name)
    return name.includes(text) || (statSync(path).isFile() && readFileSync(path).includes(text))
  })
}

describe('a purge of a project', () => {
  it('leaves of it neither name nor content, and its neighbour untouched', () => {
    const state = stateOfTwo()
    expect(filesWith(state, CANARY)).not.toEqual([])
    expect(filesWith(state, PROJECT)).not.toEqual([])
    const before = readFileSync(outboxPath(state, OTHER_PROJECT))
    expect(purgeProject(state, PROJECT)).toBe(true)
    expect([filesWith(state, CANARY), filesWith(state, PROJECT)]).toEqual([[], []])
    expect(readFileSync(outboxPath(state, OTHER_PROJECT)).equals(before)).toBe(true)
    expect(purgeProject(state, PROJECT)).toBe(false)
  })

  it('never lets the clock go back, however often the project returns and leaves (L10)', () => {
    const state = stateOfTwo()
    for (const clock of [41, 42]) {
      purgeProject(state, PROJECT)
      const again = Outbox.open({
        path: outboxPath(state, PROJECT),
        owner: PROJECT_OWNER,
        nodeId: NODE,
      })
      expect([again.consent(), again.counts().held]).toEqual(['absent', 0])
      expect(appendNumbers(again, 1).receipts[0]?.lamport_clock).toBe(clock)
      again.close()
    }
  })

  it('is refused while a process holds the link', () => {
    const state = stateOfTwo()
    const lease = SenderLease.tryAcquire(senderLeasePath(state, PROJECT))
    later(() => lease?.release())
    expect(codeOf(() => purgeProject(state, PROJECT))).toBe('LINK_HELD')
    expect(filesWith(state, CANARY)).not.toEqual([])
  })

  it('takes nothing with it that a process acknowledges which has the store open (L1)', () => {
    const state = stateOfTwo()
    const path = outboxPath(state, PROJECT)
    const open = openOutbox({ path })
    expect(open.counts().delivered).toBe(20)
    expect(purgeProject(state, PROJECT)).toBe(true)
    expect(filesWith(state, CANARY)).toEqual([])
    expect(open.appendAll([[textOf(50)]])).toMatchObject([{ code: 'OUTBOX_PURGED' }])
    const again = openOutbox({ path })
    expect(appendNumbers(again, 50).receipts).toEqual([{ event_id: idOf(50), lamport_clock: 41 }])
    open.close()
    expect(openOutbox({ path }).counts().held).toBe(1)
    expect(existsSync(path)).toBe(true)
  })

  it.skipIf(process.platform === 'win32')(
    'leads nobody to write into a file that has lost its name while it was opened (L1)',
    () => {
      const path = outboxPath(temporaryFolder(), PROJECT)
      let isThere = true
      const owner = {
        kind: 'project' as const,
        // Asked for within the transaction that begins the store.
        get uuid() {
          if (isThere) rmSync(path)
          isThere = false
          return PROJECT
        },
      }
      appendNumbers(openOutbox({ path, owner }), 1)
      expect(existsSync(path)).toBe(true)
      expect(openOutbox({ path }).counts().held).toBe(1)
    },
  )
})
