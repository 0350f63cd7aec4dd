/** The runner of planted bugs; `npm run prove:mutations` plants them all, `npm run prove` two of them. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { findAll, MUTATIONS } from '../../scripts/prove/mutations.mjs'

const TIMEOUT_MS = 300_000

describe('the planted bugs', () => {
  it('are at least twenty', () => {
    expect(Object.keys(MUTATIONS).length).toBeGreaterThanOrEqual(20)
  })

  it('are refused where the code that they change is another one now', async () => {
    plan('stale', ['there is no such code', ''])
    await expect(findAll(['stale'])).rejects.toThrow('nothing in dist says')
  })

  it(
    'count as missed where their tests see nothing',
    async () => {
      plan('harmless', ['return rowChecksum(', 'return  rowChecksum('])
      expect(await findAll(['harmless'])).toMatchObject([{ name: 'harmless', isCaught: false }])
    },
    TIMEOUT_MS,
  )
})

/** For this test alone. */
function plan(name: string, edit: string[]): void {
  MUTATIONS[name] = { by: ['test/contracts/json.test.ts'], edits: [edit] }
  onTestFinished(() => void delete MUTATIONS[name])
}
