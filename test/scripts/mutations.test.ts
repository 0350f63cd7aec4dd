/** The runner of planted bugs; `npm run prove:mutations` plants them all, `npm run prove` two of them. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { readTable } from '../../scripts/prove/bug-table.mjs'
import { findAll, MUTATIONS, staleBugs } from '../../scripts/prove/mutations.mjs'

const TIMEOUT_MS = 300_000

describe('the planted bugs', () => {
  it('are at least twenty', () => {
    expect(Object.keys(MUTATIONS).length).toBeGreaterThanOrEqual(20)
  })

  it('stand in the table of docs/proofs.md, each with what caught it', () => {
    const rows = readTable()
    expect(rows.map(({ name }) => name)).toEqual(Object.keys(MUTATIONS))
    for (const { name, by, told } of rows) {
      expect([name, by, told.replace(/\d+/, 'N')]).toEqual([
        name,
        MUTATIONS[name]?.by.map((file) => `\`${file}\``).join(' '),
        'N s',
      ])
    }
  })

  it('have one place in the program as it is now', () => {
    plan('stale', ['there is no such code', ''])
    plan('anywhere', ['export function', 'function'])
    expect(staleBugs()).toEqual(['stale', 'anywhere'])
  })

  it('are refused where the code that they change is another one now', async () => {
    plan('stale', ['there is no such code', ''])
    await expect(findAll(['stale'])).rejects.toThrow('nothing in dist says')
  })

  it(
    'are caught where their tests see them, and else count as missed',
    async () => {
      plan('harmless', ['return rowChecksum(', 'return  rowChecksum('])
      expect(await findAll(['harmless', 'depth is not bounded'])).toMatchObject([
        { name: 'harmless', isCaught: false },
        { name: 'depth is not bounded', isCaught: true },
      ])
    },
    TIMEOUT_MS,
  )
})

/** For this test alone. */
function plan(name: string, edit: string[]): void {
  MUTATIONS[name] = { by: ['test/contracts/json.test.ts'], edits: [edit] }
  onTestFinished(() => void delete MUTATIONS[name])
}
