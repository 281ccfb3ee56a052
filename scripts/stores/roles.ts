import { type Client, escapeIdentifier, escapeLiteral } from 'pg';

/** The role that owns and migrates the schema, and the one that serves. */
export const OWNER_ROLE = 'auth_owner';
export const APP_ROLE = 'auth_app';

/** Makes both roles, or gives them these passwords if they exist. */
export async function createRoles(
  client: Client,
  passwords: { readonly owner: string; readonly app: string },
): Promise<void> {
  await createRole(client, OWNER_ROLE, passwords.owner);
  await createRole(client, APP_ROLE, passwords.app);
}

/** Makes a database that belongs to the owner; the serving role gets its rights from the migrations. */
export async function createDatabase(client: Client, name: string): Promise<void> {
  const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
  if (found.rowCount === 0) {
    await client.query(
      `CREATE DATABASE ${escapeIdentifier(name)} OWNER ${escapeIdentifier(OWNER_ROLE)}`,
    );
  }
}

async function createRole(client: Client, name: string, password: string): Promise<void> {
  const found = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name]);
  const verb = found.rowCount === 0 ? 'CREATE' : 'ALTER';
  await client.query(
    `${verb} ROLE ${escapeIdentifier(name)} LOGIN PASSWORD ${escapeLiteral(password)}`,
  );
}
