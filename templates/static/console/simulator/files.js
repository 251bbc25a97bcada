// A guest's file: looked at before it is sent, small ones through the socket, others over HTTP.

const MAX_BYTES = 10 * 1024 * 1024;
const MAX_BUFFER = 40 * 1024; // what one frame of the socket may carry as base64
const STARTS = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["application/pdf", [0x25, 0x50, 0x44, 0x46, 0x2d]],
];

// What it is by its first bytes; the server looks again, and has the last word.
export async function problemOf(file) {
  if (file.size > MAX_BYTES) return `This file cannot be sent: it has ${(file.size / 2 ** 20).toFixed(1)} MiB, and 10 MiB fit.`;
  if (file.size === 0) return "This file cannot be sent: it is empty.";
  const start = new Uint8Array(await file.slice(0, 8).arrayBuffer());
  const found = STARTS.find(([, bytes]) => bytes.every((byte, index) => start[index] === byte));
  return found ? "" : "This file cannot be sent: only PNG, JPEG and PDF files can be sent.";
}

export const readAs = (file, how) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.onerror = () => reject(reader.error);
  reader[how](file);
});

// The rest of an `upload` action: the bytes themselves, or what the upload over HTTP has answered.
export async function prepared(file, { address, token, onProgress }) {
  const named = { filename: file.name, contentType: file.type };
  if (file.size <= MAX_BUFFER) {
    const url = await readAs(file, "readAsDataURL");
    return { ...named, buffer: url.slice(url.indexOf(",") + 1) };
  }
  return { ...named, uploadId: await post(file, { address, token, onProgress }) };
}

function post(file, { address, token, onProgress }) {
  const form = new FormData();
  form.append("filename", file.name);
  form.append("file", file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch cannot tell how far an upload is
    request.open("POST", address);
    request.setRequestHeader("X-CSRFToken", token);
    request.responseType = "json";
    request.upload.onprogress = (event) => onProgress(event.loaded / event.total);
    request.onload = () => {
      if (request.status === 200 && request.response?.uploadId) resolve(request.response.uploadId);
      else reject(new Error(request.response?.error ?? `the upload failed (${request.status})`));
    };
    request.onerror = () => reject(new Error("the line broke during the upload"));
    request.send(form);
  });
}

export function sizeWords(size) {
  if (size === null || size === undefined) return "";
  return size < 1024 * 1024 ? `${Math.max(1, Math.round(size / 1024))} KB` : `${(size / 2 ** 20).toFixed(1)} MB`;
}
