import { Option } from 'clipanion'
import type { WebhookRow } from '../../hub/access/webhooks.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { columns } from '../output.ts'
import { dataDirectory } from './hub.ts'

abstract class WebhookCommand extends KittiwakeCommand {
  data = Option.String('--data', { description: 'Data folder; default in the state directory' })

  // A hub's data is no project's.
  override get safety(): Safety {
    return 'safe'
  }

  protected dataDir(): Promise<string> {
    return dataDirectory(this.data, this.context.cwd)
  }
}

export class HubWebhookCreateCommand extends WebhookCommand {
  static override paths = [['hub', 'webhook', 'create']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description:
      'Let a git host report pushes of a project, so that commits turn to pushed at once',
    details:
      'At the git host: the URL of the hub with the path that is shown, the secret, the content type application/json, and pushes alone. GitHub, Gitea, Forgejo and GitLab are understood. The secret is shown once.',
    examples: [
      [
        'For a project',
        'kittiwake hub webhook create --team core --project 0b9b1ee4-21b9-4f7e-9d25-6c7f7f3f4d1c',
      ],
    ],
  })

  team = Option.String('--team', { required: true, description: 'Team that the project is of' })
  project = Option.String('--project', { required: true, description: 'UUID of the project' })

  async run(): Promise<Result> {
    const { createWebhook, WEBHOOK_PREFIX } = await import('../../hub/access/webhooks.ts')
    const { team, project } = this
    const created = createWebhook({ dataDir: await this.dataDir(), team, project })
    const path = WEBHOOK_PREFIX + created.webhook_id
    const fields = { ...timesOf(created), path, secret: created.secret }
    return { fields, text: `Path: ${path}\nSecret: ${created.secret}` }
  }
}

export class HubWebhookListCommand extends WebhookCommand {
  static override paths = [['hub', 'webhook', 'list']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: 'List the webhooks: whose pushes they report, never the secrets',
    examples: [['All webhooks', 'kittiwake hub webhook list']],
  })

  async run(): Promise<Result> {
    const { listWebhooks } = await import('../../hub/access/webhooks.ts')
    const webhooks = listWebhooks(await this.dataDir())
    const rows = webhooks.map(({ webhook_id, team, project_uuid, revoked_at }) => [
      webhook_id,
      team,
      project_uuid,
      revoked_at === null ? 'live' : 'revoked',
    ])
    return {
      fields: { webhooks: webhooks.map(timesOf) },
      text: rows.length === 0 ? 'No webhooks.' : columns(rows),
    }
  }
}

export class HubWebhookRevokeCommand extends WebhookCommand {
  static override paths = [['hub', 'webhook', 'revoke']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: 'End a webhook for good',
    examples: [['One webhook', 'kittiwake hub webhook revoke whk_0123456789abcdef']],
  })

  id = Option.String({ required: true, name: 'ID' })

  async run(): Promise<Result> {
    const { revokeWebhook } = await import('../../hub/access/webhooks.ts')
    const webhook = revokeWebhook(await this.dataDir(), this.id)
    return { fields: timesOf(webhook), text: `The webhook ${webhook.webhook_id} is revoked.` }
  }
}

/** Times as others read them. */
function timesOf({ created_at, revoked_at, ...webhook }: WebhookRow): Record<string, unknown> {
  const timeOf = (ms: number | null): string | null =>
    ms === null ? null : new Date(ms).toISOString()
  return { ...webhook, created_at: timeOf(created_at), revoked_at: timeOf(revoked_at) }
}
