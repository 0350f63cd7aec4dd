/** What a dead command had still to put into a scope's file is put there by whoever writes next, to whatever ledger. */
import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NO_IDENTITY } from '#dist/project/identity-literals.js'
import { lookAtBranches } from '#dist/hooks.js'
import { openGitService, openLedger } from '#dist/workers/git/git-service.js'
import { GlossaryLab, SCOPE_FILE } from '../../support/glossary-lab.ts'

let lab: GlossaryLab

beforeEach(() => (lab = new GlossaryLab()))
afterEach(() => lab.remove())

const input = () => ({
  repository: lab.repository,
  literals: NO_IDENTITY,
  state: lab.root,
})
const hasMark = (): boolean => existsSync(join(lab.repository.commonDir, 'kittiwake/glossary.json'))
const holds = (term: string): boolean => lab.seed().includes(`surface: ${term}\n`)

/** The row is durable, and the process dies over the file. */
async function dieOver(term: string): Promise<void> {
  const dying = lab.ledger({
    onStep: (_, path) => {
      if (path.includes(SCOPE_FILE)) throw new Error('dead')
    },
  })
  await expect(lab.define(term, 'the meaning', dying)).rejects.toThrow('dead')
  expect([hasMark(), holds(term)]).toEqual([true, false])
}

describe('a sense that a crash kept from its file', () => {
  it('is put there before any ledger is written to', async () => {
    await dieOver('harbour')
    await openLedger(input()).forget([])
    expect([hasMark(), holds('harbour')]).toEqual([false, true])
  })

  it('is left by a hook, which only looks', async () => {
    await dieOver('harbour')
    await lookAtBranches(lab.root)
    expect([hasMark(), holds('harbour')]).toEqual([true, false])
  })

  it('is put there by who watches for the link, whatever the link does', async () => {
    const told: unknown[] = []
    const service = await openGitService(input(), (fact) => told.push(fact))
    await service.handle([{ type: 'git.watch' }])[0]
    await dieOver('harbour')
    await vi.waitFor(() => expect(holds('harbour')).toBe(true), { timeout: 10_000 })
    await service.close()
    expect(hasMark()).toBe(false)
    expect(told).toEqual([])
  })

  it('stops no ledger where it can not be put there, is said once, and waits', async () => {
    await dieOver('harbour')
    const inTheWay = join(lab.root, `${SCOPE_FILE}.tmp`)
    mkdirSync(inTheWay, { recursive: true })
    const ledger = openLedger(input())
    await ledger.forget([])
    expect(ledger.takeWarnings().map(({ code }) => code)).toEqual(['SEED_UNWRITTEN'])
    await ledger.forget([])
    expect(ledger.takeWarnings()).toEqual([])
    expect(hasMark()).toBe(true)
    await expect(lab.define('mole', 'x')).rejects.toMatchObject({ name: 'ProjectError' })
    rmdirSync(inTheWay)
    await ledger.forget([])
    expect([hasMark(), holds('harbour')]).toEqual([false, true])
  })
})
