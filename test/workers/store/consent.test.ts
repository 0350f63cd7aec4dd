import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { describe, expect, it, vi } from 'vitest'

import { outboxPath } from '#dist/project/state-directory.js'
import { ConsentReader } from '#dist/workers/store/consent-reader.js'
import { Outbox } from '#dist/workers/store/outbox.js'
import {
  HUB,
  NODE,
  OTHER_PROJECT,
  PROJECT,
  PROJECT_OWNER,
  REPOSITORY_OWNER,
  appendNumbers,
  claimedIds,
  codeOf,
  idOf,
  later,
  linkedOutbox,
  openOutbox,
  rawDatabase,
  temporaryFolder,
} from '../../support/store-fixtures.ts'

describe('consent', () => {
  it('is absent until someone decides, and events are held', () => {
    const outbox = openOutbox()
    appendNumbers(outbox, 1)
    expect([outbox.consent(), outbox.counts().held]).toEqual(['absent', 1])
  })

  it('covers with the first grant what was recorded before it, and says how many', () => {
    const outbox = openOutbox()
    appendNumbers(outbox, 1, 2)
    expect(outbox.grantConsent(false)).toEqual({ state: 'granted', covered: 2, held: 0 })
    appendNumbers(outbox, 3)
    expect(outbox.counts()).toMatchObject({ pending: 3, held: 0 })
    expect(outbox.grantConsent(false)).toEqual({ state: 'granted', covered: 0, held: 0 })
  })

  it('leaves the past alone when it is granted from now on, also when granted again', () => {
    const outbox = openOutbox()
    appendNumbers(outbox, 1, 2)
    expect(outbox.grantConsent(true)).toEqual({ state: 'granted', covered: 0, held: 2 })
    appendNumbers(outbox, 3)
    expect(outbox.grantConsent(false)).toEqual({ state: 'granted', covered: 0, held: 2 })
    outbox.target(HUB)
    expect(claimedIds(outbox)).toEqual([idOf(3)])
  })

  it('holds back all that has not left when it is refused', () => {
    const outbox = linkedOutbox()
    appendNumbers(outbox, 1, 2, 3)
    outbox.settle([claimedIds(outbox, 2)[0] ?? ''], [])
    expect(outbox.refuseConsent()).toEqual({ state: 'refused', covered: 0, held: 2 })
    expect(outbox.refuseConsent()).toEqual({ state: 'refused', covered: 0, held: 2 })
    expect(outbox.counts()).toMatchObject({ pending: 0, inflight: 0, held: 2, delivered: 1 })
  })

  it('that is about to be refused lets be answered what is under way, and nothing more go out', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const sender = linkedOutbox({ path })
    const other = openOutbox({ path })
    appendNumbers(other, 1, 2, 3)
    expect(claimedIds(sender, 2)).toEqual([1, 2].map(idOf))
    other.freezeConsent()
    expect([other.consent(), other.mayAcknowledge()]).toEqual(['refused', true])
    sender.settle([idOf(1)], [])
    expect(other.counts()).toMatchObject({ delivered: 1, inflight: 1 })
    // The sender asks for more: then it waits for nothing any more, and consent is refused.
    expect(claimedIds(sender)).toEqual([])
    expect(other.counts()).toMatchObject({ delivered: 1, inflight: 0, held: 2 })
    sender.settle([idOf(2)], [])
    expect(other.refuseConsent()).toEqual({ state: 'refused', covered: 0, held: 2 })
  })

  it('takes no answer for delivered that comes under a later grant (L11)', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const sender = linkedOutbox({ path })
    const other = openOutbox({ path })
    appendNumbers(other, 1)
    claimedIds(sender)
    other.refuseConsent()
    other.grantConsent(false)
    sender.settle([idOf(1)], [])
    expect(other.counts()).toMatchObject({ pending: 0, delivered: 0, held: 1 })
  })

  it('that was about to be refused when somebody died is refused by whoever comes next', () => {
    const path = join(temporaryFolder(), 'outbox.db')
    const outbox = linkedOutbox({ path })
    appendNumbers(outbox, 1)
    openOutbox({ path }).freezeConsent()
    expect(outbox.grantConsent(false)).toEqual({ state: 'granted', covered: 0, held: 1 })
    outbox.freezeConsent()
    const next = openOutbox({ path })
    next.releaseInflight()
    expect(next.mayAcknowledge()).toBe(false)
  })

  it('counts from now on after a refusal, whether or not it was granted before', () => {
    const outbox = openOutbox()
    appendNumbers(outbox, 1)
    outbox.refuseConsent()
    appendNumbers(outbox, 2)
    expect(outbox.grantConsent(false)).toEqual({ state: 'granted', covered: 0, held: 2 })
    appendNumbers(outbox, 3)
    outbox.target(HUB)
    expect(claimedIds(outbox)).toEqual([idOf(3)])
  })

  it('is not for a repository without identity', () => {
    const outbox = openOutbox({ owner: REPOSITORY_OWNER })
    expect(codeOf(() => outbox.grantConsent(false))).toBe('CONSENT_WITHOUT_IDENTITY')
    expect(codeOf(() => outbox.refuseConsent())).toBe('CONSENT_WITHOUT_IDENTITY')
    expect(outbox.consent()).toBe('absent')
  })
})

describe('the question at the sink', () => {
  function reader(state: string): ConsentReader {
    const consent = new ConsentReader(state)
    later(() => consent.close())
    return consent
  }

  it("follows each decision of another connection, by the record's own uuid (L12)", () => {
    const state = temporaryFolder()
    const outbox = openOutbox({ path: outboxPath(state, PROJECT) })
    const consent = reader(state)
    expect(consent.granted(PROJECT)).toBe(false)
    outbox.grantConsent(false)
    expect([consent.granted(PROJECT), consent.granted(OTHER_PROJECT)]).toEqual([true, false])
    outbox.refuseConsent()
    expect(consent.granted(PROJECT)).toBe(false)
    outbox.grantConsent(false)
    expect(consent.granted(PROJECT)).toBe(true)
  })

  it('is answered no for anything that is no uuid, absent, or unreadable', () => {
    const state = temporaryFolder()
    const consent = reader(state)
    expect(consent.granted('../../projects')).toBe(false)
    expect(consent.granted('')).toBe(false)
    expect(consent.granted(PROJECT)).toBe(false)
    const path = outboxPath(state, PROJECT)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, 'granted granted granted granted')
    expect(consent.granted(PROJECT)).toBe(false)
  })

  it('is answered no at once while somebody locks the store, and by the store again after it', () => {
    const state = temporaryFolder()
    const path = outboxPath(state, PROJECT)
    const outbox = Outbox.open({ path, owner: PROJECT_OWNER, nodeId: NODE })
    outbox.grantConsent(false)
    outbox.close()
    const other = rawDatabase(path)
    other.pragma('locking_mode = EXCLUSIVE')
    other.exec('BEGIN EXCLUSIVE')
    const wait = vi.spyOn(Atomics, 'wait')
    later(() => wait.mockRestore())
    const consent = reader(state)
    expect(consent.granted(PROJECT)).toBe(false)
    expect(wait).not.toHaveBeenCalled()
    other.close()
    expect(consent.granted(PROJECT)).toBe(true)
  })

  it("is answered no where another project's store lies in the place (L12)", () => {
    const state = temporaryFolder()
    const path = outboxPath(state, PROJECT)
    openOutbox({ path }).grantConsent(false)
    const foreign = outboxPath(state, OTHER_PROJECT)
    mkdirSync(dirname(foreign), { recursive: true })
    for (const suffix of ['', '-wal']) renameSync(`${path}${suffix}`, `${foreign}${suffix}`)
    expect(reader(state).granted(OTHER_PROJECT)).toBe(false)
  })

  it.skipIf(process.platform === 'win32')('forgets a store whose file is gone', () => {
    const state = temporaryFolder()
    const path = outboxPath(state, PROJECT)
    openOutbox({ path }).grantConsent(false)
    const consent = reader(state)
    expect(consent.granted(PROJECT)).toBe(true)
    rmSync(dirname(path), { recursive: true })
    expect(consent.granted(PROJECT)).toBe(false)
    openOutbox({ path })
    expect(consent.granted(PROJECT)).toBe(false)
  })

  it.skipIf(process.platform === 'win32')('forgets a store whose file was replaced', () => {
    const state = temporaryFolder()
    const path = outboxPath(state, PROJECT)
    openOutbox({ path }).grantConsent(false)
    const consent = reader(state)
    expect(consent.granted(PROJECT)).toBe(true)
    rmSync(dirname(path), { recursive: true })
    openOutbox({ path })
    expect(consent.granted(PROJECT)).toBe(false)
  })

  it('keeps few stores open, and answers for all', () => {
    const state = temporaryFolder()
    const uuids = Array.from({ length: 12 }, (_, number) =>
      PROJECT.replace(/..$/, String(number).padStart(2, '0')),
    )
    for (const uuid of uuids) {
      openOutbox({ path: outboxPath(state, uuid), owner: { kind: 'project', uuid } }).grantConsent(
        true,
      )
    }
    const consent = reader(state)
    expect([...uuids, ...uuids].map((uuid) => consent.granted(uuid))).not.toContain(false)
  })
})
