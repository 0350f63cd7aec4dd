/** What a crash kept from a scope's file; `glossary verify` looks at all that is in logs and files. */
import type { Repository } from '../project/types.ts'
import { readSeedMark, seedMarkPath } from '../workers/git/ledgers/seed-mark.ts'
import { type Check, note } from './check.ts'

export async function checkGlossary({ commonDir }: Repository): Promise<readonly Check[]> {
  const marked = await readSeedMark(seedMarkPath(commonDir))
  if (marked === 'absent') return []
  if (marked === 'damaged') {
    const hint = 'The next writing command sets it aside; then run `kittiwake glossary verify`.'
    return [note('glossary', 'the note of a meaning on its way can not be read', hint)]
  }
  const detail = `${marked.mission}: a meaning is in the log and not in the file of its scope yet`
  const hint = 'The next writing command puts it there, or says what stands in the way.'
  return [note('glossary', detail, hint)]
}
