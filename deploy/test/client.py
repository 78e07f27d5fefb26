"""Runs S3 operations with boto3: reads a list of tasks from standard input and
prints a list of results in their order, both as JSON.

A task is {"endpoint", "ca", "access", "secret", "do", "args"}; do is a method of
the client, or one of the functions in extra. A result is {"status", "code", "body"}.
"""
import concurrent.futures
import hashlib
import json
import ssl
import sys
import threading
import urllib.error
import urllib.request

import boto3
import botocore.config
import botocore.exceptions

clients = {}
making = threading.Lock()


class Refused(Exception):
    def __init__(self, status):
        self.status = status


def client(task):
    key = (task["endpoint"], task["access"], task["secret"])
    with making:
        if key not in clients:
            clients[key] = new_client(task)
        return clients[key]


def new_client(task):
    options = dict(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)
    try:  # without checksums behind the body, which this radosgw does not read
        config = botocore.config.Config(request_checksum_calculation="when_required", **options)
    except TypeError:  # a boto3 that sends none
        config = botocore.config.Config(**options)
    return boto3.session.Session().client(
        "s3",
        endpoint_url=task["endpoint"],
        aws_access_key_id=task["access"],
        aws_secret_access_key=task["secret"],
        region_name="us-east-1",
        verify=task.get("ca") or None,
        config=config,
    )


def multipart(c, task, args):
    upload = c.create_multipart_upload(**args)["UploadId"]
    part = c.upload_part(UploadId=upload, PartNumber=1, Body=b"part", **args)
    c.list_parts(UploadId=upload, **args)
    return c.complete_multipart_upload(
        UploadId=upload, MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}, **args
    )


def aborted(c, task, args):
    upload = c.create_multipart_upload(**args)["UploadId"]
    return c.abort_multipart_upload(UploadId=upload, **args)


def presigned(c, task, args):
    url = c.generate_presigned_url("get_object", Params=args, ExpiresIn=300)
    context = ssl.create_default_context(cafile=task["ca"]) if url.startswith("https") else None
    try:
        with urllib.request.urlopen(url, context=context) as r:
            return {"ResponseMetadata": {"HTTPStatusCode": r.status}}
    except urllib.error.HTTPError as e:
        raise Refused(e.code)


def state(c, task, args):
    """All that the store holds, as lines; with tags and grants if args say deep."""
    lines = []
    for b in c.list_buckets()["Buckets"]:
        bucket = b["Name"]
        lines.append("bucket %s versioning %s" % (bucket, c.get_bucket_versioning(Bucket=bucket).get("Status")))
        for upload in c.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            lines.append("upload %s %s" % (bucket, upload["Key"]))
        for page in c.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for v in page.get("DeleteMarkers", []):
                lines.append("marker %s/%s %s" % (bucket, v["Key"], v["VersionId"]))
            for v in page.get("Versions", []):
                key = {"Bucket": bucket, "Key": v["Key"], "VersionId": v["VersionId"]}
                rest = []
                if args.get("deep"):
                    rest = [c.get_object_tagging(**key)["TagSet"], c.get_object_acl(**key)["Grants"]]
                rest = hashlib.sha256(json.dumps(rest, sort_keys=True, default=str).encode()).hexdigest()[:16]
                lines.append("object %s/%s %s %s %s %s" % (bucket, v["Key"], v["VersionId"], v["ETag"], v["LastModified"], rest))
    return {"ResponseMetadata": {"HTTPStatusCode": 200}, "lines": sorted(lines)}


extra = {"multipart": multipart, "aborted": aborted, "presigned": presigned, "state": state}


def run(task):
    try:
        c, do, args = client(task), task["do"], task["args"]
        r = extra[do](c, task, args) if do in extra else getattr(c, do)(**args)
        out = {"status": r["ResponseMetadata"]["HTTPStatusCode"], "code": ""}
        if "lines" in r:
            out["body"] = "\n".join(r["lines"])
        elif "Body" in r:
            out["body"] = r["Body"].read().decode("latin-1")
        return out
    except Refused as e:
        return {"status": e.status, "code": "refused"}
    except botocore.exceptions.ClientError as e:
        return {"status": e.response["ResponseMetadata"]["HTTPStatusCode"], "code": e.response["Error"].get("Code", "")}
    except Exception as e:
        return {"status": 0, "code": "%s: %s" % (type(e).__name__, e)}


tasks = json.load(sys.stdin)
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    json.dump(list(pool.map(run, tasks)), sys.stdout)
