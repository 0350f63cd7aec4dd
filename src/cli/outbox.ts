/** The outbox of the current folder's project, as its hub sees it; before `init`, the one of its repository. */
import { StoreError } from '../errors.ts'
import { locateRepository } from '../project/git/locate.ts'
import { stateDirectory } from '../project/state-directory.ts'
import { identityOrNull } from '../project/identity.ts'
import { outboxOfProject } from '../read-outbox.ts'
import { Keeper } from '../workers/store/keeper.ts'
import { repositoryOutbox } from '../workers/store/outbox-place.ts'
import { OutboxReader, type ReaderOptions } from '../workers/store/outbox-reader.ts'

/** Answers by a reader that is closed again. */
export async function look<Answer>(
  cwd: string,
  ask: (reader: OutboxReader) => Answer | Promise<Answer>,
): Promise<Answer> {
  const reader = OutboxReader.open(await findStore(cwd))
  try {
    return await ask(reader)
  } finally {
    reader.close()
  }
}

/** As `look`, by whoever may change things; `otherwise` where there is no store. */
export async function change<Answer>(
  cwd: string,
  ask: (keeper: Keeper) => Answer,
  otherwise: Answer,
): Promise<Answer> {
  const keeper = Keeper.open(await findStore(cwd))
  if (keeper === null) return otherwise
  try {
    return ask(keeper)
  } finally {
    keeper.close()
  }
}

/** Of one that was named, or of all. */
export function eventUnknown(count: number): StoreError {
  const ids = count === 1 ? 'this id' : 'these ids'
  return new StoreError('EVENT_UNKNOWN', `the outbox holds no event of ${ids}`, {
    hint: 'See `kittiwake queue list`.',
  })
}

async function findStore(cwd: string): Promise<ReaderOptions> {
  const repository = await locateRepository(cwd)
  const state = stateDirectory(process.env)
  const identity = await identityOrNull(repository)
  return identity === null
    ? repositoryOutbox(state, repository.commonDir)
    : outboxOfProject(state, identity.uuid)
}
